"""Reasons: why an operator made an exception, as history and audit keep it."""

from __future__ import annotations

from enforcer.errors import InvalidName

LONGEST = 1024
"""Characters of a reason."""


def read_reason(text: str) -> str:
    """The reason on one line, without what could disturb a terminal or a log. Raises `InvalidName`."""
    if len(text) > LONGEST:
        raise InvalidName(f"a reason has up to {LONGEST} characters, not {len(text)}")
    reason = "".join(_plain(character) for character in text).strip()
    if not reason:
        raise InvalidName("a reason is needed: it says to others why this was done")
    return reason


def _plain(character: str) -> str:
    if character.isspace():
        return " "
    return character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"
