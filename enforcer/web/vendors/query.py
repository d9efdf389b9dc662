"""Integers in the queries of SWR and Harbor."""

from __future__ import annotations

from flask import request

from enforcer.errors import InvalidPolicy
from enforcer.validation.integers import read_integer


def integer(name: str, default: int, *, least: int = 0, most: int = 10**18) -> int:
    """The number under that name, within these bounds. Raises `InvalidPolicy`, whose text names it."""
    text = request.args.get(name)
    if text is None:
        return default
    try:
        number = read_integer(text, padded=True)  # Go, in which the vendors' servers are written, reads 010 as 10
    except ValueError as error:
        raise InvalidPolicy(f"{name}: {error}, got {text[:40]!r}") from error
    if not least <= number <= most:
        raise InvalidPolicy(f"{name}: should be from {least} to {most}, got {number}")
    return number
