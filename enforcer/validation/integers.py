"""Integers in text, as queries have them."""

from __future__ import annotations

import re

# Python and pydantic also read " 1", "+1", "1_0", "1.0" and digits of other scripts, and fail on thousands of digits.
_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_PADDED = re.compile(r"-?[0-9]{1,19}")


def read_integer(text: str, *, padded: bool = False) -> int:
    """The number that plain digits say; with zeros before it, if `padded`. Raises `ValueError`."""
    if not (_PADDED if padded else _PLAIN).fullmatch(text):
        raise ValueError("should be an integer")
    return int(text)
