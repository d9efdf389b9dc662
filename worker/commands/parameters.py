"""Names and times as parameters of commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import click

from enforcer.errors import InvalidName
from enforcer.names import Namespace, Repository
from enforcer.times import Time

Name = TypeVar("Name", Time, Namespace, Repository)


class NameType(click.ParamType[Name], Generic[Name]):
    """A name or time on the command line: checked there, so that a wrong one is wrong usage."""

    def __init__(self, kind: type[Name]) -> None:
        self.name = kind.__name__.lower()
        self._kind: Callable[[str], Name] = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Name:
        try:
            return self._kind(value)
        except InvalidName as error:
            self.fail(str(error), param, ctx)


TIME = NameType(Time)
NAMESPACE = NameType(Namespace)
REPOSITORY = NameType(Repository)
