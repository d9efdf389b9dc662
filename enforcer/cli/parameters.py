"""Words of the command line that become values there, so that a wrong one is wrong usage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import click

from enforcer.errors import InvalidName, InvalidPattern, InvalidPolicy
from enforcer.names import Digest, Namespace, Repository, Tag, read_reason
from enforcer.times import Time, read_duration

Value = TypeVar("Value")


@contextmanager
def reading_usage() -> Iterator[None]:
    """Reading what was given on the command line: what cannot be read is wrong usage."""
    try:
        yield
    except (InvalidName, InvalidPattern, InvalidPolicy) as error:
        raise click.UsageError(str(error)) from error


class Word(click.ParamType[Value], Generic[Value]):
    """A word that `read` makes a value of, or raises `InvalidName` that says why not."""

    def __init__(self, name: str, read: Callable[[str], Value]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Value:
        try:
            return self._read(value)
        except InvalidName as error:
            self.fail(str(error), param, ctx)


def _since(text: str) -> Time:
    """A point in time: itself, or how long ago."""
    try:
        return Time.now().plus(-read_duration(text))
    except InvalidName:
        pass
    try:
        return Time(text)
    except InvalidName as error:
        raise InvalidName(
            f"{text[:40]!r} is neither a time like 2026-11-22T04:06:40Z nor a duration like 2h"
        ) from error


def _tag(text: str) -> tuple[Repository, Tag]:
    repository, colon, tag = text.rpartition(":")
    if not colon:
        raise InvalidName(f"{text[:80]!r} is no tag: write repository:tag, like team/app:1.0")
    return Repository(repository), Tag(tag)


DIGEST = Word("digest", Digest)
DURATION = Word("duration", read_duration)
NAMESPACE = Word("namespace", Namespace)
REASON = Word("reason", read_reason)
REPOSITORY = Word("repository", Repository)
SINCE = Word("since", _since)
TAG = Word("tag", _tag)
