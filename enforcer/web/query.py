"""Numbers in the query of a request."""

from __future__ import annotations

import re

from flask import request

from enforcer.errors import InvalidPolicy

_DIGITS = re.compile(r"-?\d{1,18}", flags=re.ASCII)


def integer(name: str, default: int, *, least: int = 0, most: int = 10**18) -> int:
    """The number under that name, within these bounds. Raises `InvalidPolicy`, whose text names it."""
    text = request.args.get(name)
    if text is None:
        return default
    if not _DIGITS.fullmatch(text):
        raise InvalidPolicy(f"{name}: should be an integer, got {text[:40]!r}")
    number = int(text)
    if not least <= number <= most:
        raise InvalidPolicy(f"{name}: should be from {least} to {most}, got {number}")
    return number
