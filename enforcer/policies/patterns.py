"""The pattern language of all policy APIs: what Harbor and SWR document as "doublestar".

The meaning in one sentence: expand the braces, then match each alternative as Harbor's doublestar does; one is enough.
Patterns come from API users and names from clients that push, so both may be hostile, and a regular expression cannot
be interrupted once it runs. Everything that could be slow is therefore refused when a pattern is written:

1. more than 512 characters, or nothing but white space;
2. characters that no name has, and classes that implementations read differently;
3. braces and commas that do not pair up, and more than 128 alternatives;
4. an alternative with `***` or with an empty path component, and a pattern whose alternatives are all empty;
5. more `**/` than can be tried in a fraction of a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import bracex
from wcmatch import glob

from enforcer.errors import InvalidPattern

MAX_LENGTH = 512
"""Characters as sent: SWR's own limit."""

MAX_ALTERNATIVES = 128
"""Room for any plain list of options of 3 or more characters in 512."""

COMPONENTS = 128
"""Of a repository of 255 characters: the places that a failed match tries for every `**/`."""

MAX_COST = 16 * COMPONENTS**2
"""Two `**/` in up to 16 alternatives (90 ms on the worst name), never three (26 ms for each alternative; four: 825)."""

# Without GLOBSTAR `**` stays inside its component, without DOTGLOB `*` misses a leading dot, and without FORCEUNIX the
# host decides about upper case. No other flag: each adds syntax that Harbor does not have, or looks at the file system.
_FLAGS = glob.GLOBSTAR | glob.DOTGLOB | glob.FORCEUNIX

_ITEM = r"[A-Za-z0-9._](?:-[A-Za-z0-9._])?"
_CLASS_START = re.compile(rf"\[\^?(?:{_ITEM})*")
_RANGE = re.compile(r"(.)-(.)")
# White space around `{`, `,` and `}` belongs to them: Harbor's web page removes it, so people write `{repo1, repo2}`.
_TOKEN = re.compile(
    rf"[A-Za-z0-9._/-]+ | [*?] | (?P<class>\[\^?(?:{_ITEM})+\]) | \s*(?P<mark>[{{}},])\s*",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that names are compared with; equal where the text is. `Pattern.parse` makes one."""

    text: str
    """As it was sent: the vendors' APIs return it unchanged."""
    _matcher: glob.WcMatcher[str] = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read and compile a pattern. Raises `InvalidPattern` with the rule that it breaks."""
        # `glob.compile` rather than `globmatch`, whose cache holds too few patterns for a large set of policies.
        return cls(text, glob.compile(_alternatives(text), flags=_FLAGS, limit=MAX_ALTERNATIVES))

    def matches(self, name: str) -> bool:
        """True if it covers the whole name: a valid tag, or the path of a valid repository after its namespace."""
        return self._matcher.match(name)


class _Token(NamedTuple):
    text: str
    at: int


def _alternatives(text: str) -> list[str]:
    if len(text) > MAX_LENGTH:
        raise InvalidPattern(f"longer than {MAX_LENGTH} characters")
    if not text.strip():
        raise InvalidPattern("empty")
    tokens = list(_tokens(text))
    _check_braces(tokens)
    alternatives = _expand(_without_single_options(tokens))
    for alternative in alternatives:
        _check_alternative(alternative)
    if sum(map(_cost, alternatives)) > MAX_COST:
        raise InvalidPattern("too many '**/'")
    return alternatives


def _tokens(text: str) -> Iterator[_Token]:
    at, end = len(text) - len(text.lstrip()), len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at, end)
        if match is None:
            raise _unexpected(text, at)
        if match["class"]:
            _check_ranges(match["class"])
        mark = match["mark"]
        yield _Token(mark, match.start("mark")) if mark else _Token(match[0], at)
        at = match.end()


def _unexpected(text: str, at: int) -> InvalidPattern:
    start = _CLASS_START.match(text, at)
    if start and start.end() == len(text):
        return InvalidPattern(f"unexpected '[' at {at} (no ']' closes it)")
    wrong = start.end() if start else at
    character = text[wrong]
    shown = f"'{character}'" if character.isprintable() else repr(character)
    hint = " (use [^...])" if start and start[0] == "[" and character == "!" else ""
    return InvalidPattern(f"unexpected {shown} at {wrong}{hint}")


def _check_ranges(text: str) -> None:
    if any(first > last for first, last in _RANGE.findall(text)):
        raise InvalidPattern(f"backward range in {text}")


def _check_braces(tokens: list[_Token]) -> None:
    depth = 0
    for token in tokens:
        if token.text in {",", "}"} and not depth:
            raise InvalidPattern(f"'{token.text}' outside braces at {token.at} (use {{a,b}})")
        depth += (token.text == "{") - (token.text == "}")
    if depth:
        raise InvalidPattern("unclosed '{'")


def _without_single_options(tokens: list[_Token]) -> str:
    """The text without the braces of groups that offer no choice, which bracex, like a shell, would keep or count."""
    texts = [token.text for token in tokens]
    opened: list[int] = []
    with_choice: set[int] = set()
    for place, text in enumerate(texts):
        if text == "{":
            opened.append(place)
        elif text == ",":
            with_choice.add(opened[-1])
        elif text == "}" and (start := opened.pop()) not in with_choice:
            texts[start] = texts[place] = ""
    return "".join(texts)


def _expand(text: str) -> list[str]:
    try:
        alternatives = [expanded for expanded in bracex.expand(text, limit=MAX_ALTERNATIVES) if expanded]
    except bracex.ExpansionLimitException as error:
        raise InvalidPattern(f"more than {MAX_ALTERNATIVES} alternatives") from error
    if not alternatives:
        raise InvalidPattern("matches nothing")
    return alternatives


def _check_alternative(alternative: str) -> None:
    if "***" in alternative:
        raise InvalidPattern("'***' is no wildcard")
    if "" in alternative.split("/"):
        raise InvalidPattern(f"empty path component in '{alternative}'")


def _cost(alternative: str) -> int:
    """How many ways a name may be tried; a last `**` takes all that is left and is free."""
    crossings = alternative.split("/")[:-1].count("**")
    return int(COMPONENTS**crossings)
