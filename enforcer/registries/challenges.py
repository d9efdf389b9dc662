"""The `WWW-Authenticate` header: several challenges in one line, commas and spaces inside of quotes (RFC 9110, 11).

requests' and werkzeug's parsers read one challenge well and mix the parameters of several, hence this one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_LENGTH = 8192
"""Characters of the header that are read."""

_WORD = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_PARAMETER = re.compile(rf'({_WORD})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|({_WORD}))')
_SCHEME = re.compile(rf"({_WORD})(?=[ \t,]|$)")
_BETWEEN = re.compile(r"[ \t,]*")
_JUNK = re.compile(r"[^,]+")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way in which a registry wants to know who asks; `scheme` and the parameters' names are in lower case."""

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)


def challenges(header: str) -> list[Challenge]:
    """The challenges of a header, or of several that were joined by commas; what is none is left out."""
    text = header[:_LENGTH]
    found: list[Challenge] = []
    position = 0
    while (position := _end(_BETWEEN.match(text, position), position)) < len(text):
        # Commas part challenges and parameters alike: only the "=" behind a word tells which one follows.
        if parameter := _PARAMETER.match(text, position):
            name, quoted, plain = parameter.groups()
            if found:
                found[-1].parameters.setdefault(name.lower(), plain or re.sub(r"\\(.)", r"\1", quoted))
            position = parameter.end()
        elif scheme := _SCHEME.match(text, position):
            found.append(Challenge(scheme[1].lower()))
            position = scheme.end()
        else:
            position = _end(_JUNK.match(text, position), len(text))
    return found


def merged_scopes(*texts: str) -> tuple[str, ...]:
    """The scopes of all texts, each resource once with all its actions, all in one order: the actions are a set."""
    actions: dict[str, set[str]] = {}
    for scope in " ".join(texts).split():
        resource, _, listed = scope.rpartition(":")
        actions.setdefault(resource, set()).update(listed.split(","))
    return tuple(f"{resource}:{','.join(sorted(actions[resource]))}" for resource in sorted(actions))


def _end(found: re.Match[str] | None, otherwise: int) -> int:
    return otherwise if found is None else found.end()
