"""The log on standard error: one line an occurrence, the same form for every process."""

from __future__ import annotations

import logging
import time


def configure(level: str) -> None:
    """Log to standard error from here on."""
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in ("urllib3", "rq", "apprise"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
