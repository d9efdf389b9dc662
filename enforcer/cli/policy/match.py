"""`enforcer policy match`: what a pattern means."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import click

from enforcer.errors import InvalidName, InvalidPattern
from enforcer.names import Repository, Tag
from enforcer.policies.patterns import Pattern

CACHED_PATTERNS = 128
"""Compiling takes a hundred times as long as matching, and files of cases repeat their patterns."""


@click.command(
    epilog="""\b
Examples:
  enforcer policy match 'v*' v1 v2.0 latest
  enforcer policy match '{team/*,ops/**}' team/app
  enforcer policy match --json < cases.jsonl

\b
With --json, a line {"pattern": "v*", "subject": "v1"} is answered by
  {"pattern": "v*", "subject": "v1", "match": true, "reason": null}
where "match" is true, false or "reject": the pattern, or the line itself,
cannot be accepted, and "reason" says why. A subject that is no valid name
matches nothing. Blank lines are skipped.

\b
Exit status:
  0  every NAME matches; with --json: every line was answered
  1  a NAME does not match, or the pattern is refused
  2  wrong usage
"""
)
@click.argument("pattern", required=False)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Answer the lines of JSON on standard input.")
def match(pattern: str | None, names: tuple[str, ...], as_json: bool) -> None:
    """Say whether PATTERN matches each NAME: a tag, or a repository without its namespace.

    Quote the pattern, or the shell expands it.
    """
    if as_json:
        if pattern is not None:
            raise click.UsageError("--json takes patterns and subjects from standard input, not from the command line")
        for answer in _answers(sys.stdin.buffer):
            click.echo(answer)
    elif pattern is None or not names:
        raise click.UsageError("give a PATTERN and at least one NAME, or --json")
    else:
        _match_names(pattern, names)


def _match_names(text: str, names: tuple[str, ...]) -> None:
    pattern = _compiled(text)
    if isinstance(pattern, str):
        raise click.ClickException(f"the pattern is refused: {pattern}")
    shown = [name if name.isprintable() else repr(name) for name in names]
    width = max(map(len, shown))
    all_match = True
    for name, label in zip(names, shown, strict=True):
        matched, reason = _verdict(pattern, name)
        all_match &= matched
        verdict = "matches" if matched else "does not match"
        click.echo(f"{label:{width}}  {verdict}" + (f" ({reason})" if reason else ""))
    sys.exit(0 if all_match else 1)


def _answers(lines: Iterable[bytes]) -> Iterator[str]:
    return (json.dumps(_answer(line)) for line in lines if line.strip())


def _answer(line: bytes) -> dict[str, Any]:
    try:
        case = json.loads(line)
    except (ValueError, RecursionError) as error:
        return _answered(None, None, "reject", f"the line is no JSON: {error}")
    if not isinstance(case, dict):
        return _answered(None, None, "reject", 'the line is no JSON object with "pattern" and "subject"')
    text, subject = _string(case, "pattern"), _string(case, "subject")
    if text is None or subject is None:
        key = "pattern" if text is None else "subject"
        return _answered(text, subject, "reject", f'the line has no "{key}" that is a string')
    pattern = _compiled(text)
    if isinstance(pattern, str):
        return _answered(text, subject, "reject", pattern)
    return _answered(text, subject, *_verdict(pattern, subject))


def _answered(pattern: str | None, subject: str | None, match: bool | str, reason: str | None) -> dict[str, Any]:
    return {"pattern": pattern, "subject": subject, "match": match, "reason": reason}


def _string(case: dict[str, Any], key: str) -> str | None:
    value = case.get(key)
    return value if isinstance(value, str) else None


@lru_cache(maxsize=CACHED_PATTERNS)
def _compiled(text: str) -> Pattern | str:
    """The pattern, or why it is refused."""
    try:
        return Pattern.parse(text)
    except InvalidPattern as error:
        return str(error)


def _verdict(pattern: Pattern, name: str) -> tuple[bool, str | None]:
    reason = _fault(name)
    return reason is None and pattern.matches(name), reason


def _fault(name: str) -> str | None:
    kinds: tuple[type[Repository | Tag], ...] = (Repository, Tag)
    faults = []
    for kind in kinds:
        try:
            kind(name)
        except InvalidName as error:
            faults.append(str(error))
        else:
            return None
    return "; ".join(faults)
