"""Durations as people write them: `90s`, `30m`, `2h`, `1d`."""

from __future__ import annotations

import re

from enforcer.errors import InvalidName

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"([0-9]{1,6})([smhd])", flags=re.ASCII)


def read_duration(text: str) -> int:
    """The seconds of a duration. Raises `InvalidName`."""
    found = _DURATION.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise InvalidName(f"{text[:40]!r} is no duration: write a number and s, m, h or d, like 90s, 30m, 2h or 1d")
    return int(found[1]) * _SECONDS[found[2]]
