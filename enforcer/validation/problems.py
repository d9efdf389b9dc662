"""A configuration while it is being read: it collects everything that is wrong, so that one start tells all of it."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from pathlib import Path

Location = tuple[str | int, ...]
"""Where a value stands: the keys and list positions that lead to it."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PYDANTIC_KEY_MARK = "[key]"  # ends the location of a problem with a key of a table itself


def dotted(at: Location) -> str:
    """A location as people write it: `registries.main.url`, `policies[0].tags`."""
    text = ""
    for part in at:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part != _PYDANTIC_KEY_MARK:
            key = part if _BARE_KEY.fullmatch(part) else json.dumps(part)
            text += f".{key}" if text else key
    return text


def suggestion(word: str, known: Iterable[str], *, prefix: str = "") -> str:
    """The end of a sentence that offers the most similar of the known words; empty if none is similar.

    The prefix is put before that word: it says nothing about similarity, so it is part of none of them.
    """
    similar = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {prefix}{similar[0]}?)" if similar else ""


class Problems:
    """The problems found so far, and the origins of values that do not stand in the configuration file.

    `folder` is what relative paths are relative to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._problems: list[tuple[Location, str]] = []
        self._origins: dict[Location, str] = {}
        self._spoilt: set[Location] = set()

    def came_from(self, at: Location, origin: str) -> None:
        """Remember the variable or file that gave a value; problems with it name that."""
        self._origins[at] = origin

    def reject(self, at: Location, text: str) -> None:
        """Note a problem, unless the location is spoilt."""
        if not any(part in self._spoilt for part in _ways_to(at)):
            self._problems.append((at, text))

    def spoil(self, at: Location) -> None:
        """Nothing more is to be told of this location: it would only follow from a problem that is."""
        self._spoilt.add(at)

    @property
    def problems(self) -> tuple[str, ...]:
        """One line for each, led by the key."""
        return tuple(f"{dotted(at)}{self._origin(at)}: {text}" for at, text in self._problems)

    def _origin(self, at: Location) -> str:
        # The nearest: a value from a secret file may stand in a table that a variable gave.
        origins = [self._origins[part] for part in _ways_to(at) if part in self._origins]
        return f" (from {origins[-1]})" if origins else ""


def _ways_to(at: Location) -> list[Location]:
    """The location and all that hold it, the widest first."""
    return [at[:length] for length in range(1, len(at) + 1)]
