"""Parameters that several commands take."""

from __future__ import annotations

from typing import Any

import click

from enforcer.durations import read_duration
from enforcer.errors import InvalidName
from enforcer.reasons import read_reason
from enforcer.times import Time


class Duration(click.ParamType[int]):
    """A duration like 30m, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return value if isinstance(value, int) else read_duration(value)
        except InvalidName as error:
            self.fail(str(error), param, ctx)


class Since(click.ParamType[Time]):
    """A point in time: itself, or how long ago."""

    name = "since"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Time:
        if isinstance(value, Time):
            return value
        try:
            return Time.now().plus(-read_duration(value))
        except InvalidName:
            pass
        try:
            return Time(value)
        except InvalidName:
            self.fail(f"{value[:40]!r} is neither a time like 2026-11-22T04:06:40Z nor a duration like 2h", param, ctx)


class Reason(click.ParamType[str]):
    """Why an operator does something, as the audit keeps it."""

    name = "reason"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return read_reason(value)
        except InvalidName as error:
            self.fail(str(error), param, ctx)
