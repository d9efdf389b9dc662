"""Times as text of one width: nanoseconds fit neither a float nor a Lua number, and such text sorts as time does."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Self

from enforcer.errors import InvalidName

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,18}))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))", flags=re.ASCII
)
_SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = -62_135_596_800  # 0001-01-01T00:00:00Z, what Go writes for "no time"
_LAST = 253_402_300_799  # 9999-12-31T23:59:59Z


class Time(str):
    """A point in time, UTC, `2026-11-22T04:06:40.594990671Z`: always 30 characters, so text order is time order."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Read an RFC 3339 time with any offset and any number of digits. Raises `InvalidName`."""
        # Not datetime's own parser alone: it drops nanoseconds, of which Go's registries write all nine digits.
        found = _RFC3339.fullmatch(text) if len(text) <= 64 else None
        if found is None:
            raise InvalidName(f"{text[:64]!r} is no time: write it as in RFC 3339, 2026-11-22T04:06:40Z")
        day, clock, fraction, sign, hours, minutes = found.groups()
        try:
            moment = datetime.fromisoformat(f"{day}T{clock}+00:00")
            if sign:
                offset = timedelta(hours=int(hours), minutes=int(minutes))
                moment = moment - offset if sign == "+" else moment + offset
        except (ValueError, OverflowError) as error:
            raise InvalidName(f"{text!r} is no time: {error}") from error
        # Cut, not rounded: a rounded time could lie in the future of the clock that wrote it.
        digits = (fraction or "")[:9].ljust(9, "0")
        return super().__new__(cls, f"{moment.isoformat()[:19]}.{digits}Z")

    @classmethod
    def from_nanoseconds(cls, nanoseconds: int) -> Self:
        """The time so many nanoseconds after 1970-01-01T00:00:00Z."""
        seconds, rest = divmod(nanoseconds, _SECOND)
        if not _FIRST <= seconds <= _LAST:
            raise InvalidName(f"{seconds} seconds since 1970 is no time between the years 1 and 9999")
        moment = _EPOCH + timedelta(seconds=seconds)
        return super().__new__(cls, f"{moment.isoformat()[:19]}.{rest:09d}Z")

    @classmethod
    def from_milliseconds(cls, milliseconds: int) -> Self:
        """The time so many milliseconds after 1970-01-01T00:00:00Z."""
        return cls.from_nanoseconds(milliseconds * 1_000_000)

    @classmethod
    def now(cls) -> Self:
        """The time by this machine's clock."""
        return cls.from_nanoseconds(time.time_ns())

    @property
    def nanoseconds(self) -> int:
        """Nanoseconds since 1970-01-01T00:00:00Z."""
        moment = datetime.fromisoformat(f"{self[:19]}+00:00")
        return int((moment - _EPOCH).total_seconds()) * _SECOND + int(self[20:29])

    def plus(self, seconds: float) -> Time:
        """The time so many seconds later, or earlier if negative."""
        return Time.from_nanoseconds(self.nanoseconds + round(seconds * _SECOND))

    def since(self, earlier: Time) -> float:
        """The seconds that passed from `earlier` until now; negative where it is the later one."""
        return (self.nanoseconds - earlier.nanoseconds) / _SECOND


_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


_DURATION = re.compile(r"([0-9]{1,6})([smhd])", flags=re.ASCII)


def read_duration(text: str) -> int:
    """The seconds of a duration. Raises `InvalidName`."""
    found = _DURATION.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise InvalidName(f"{text[:40]!r} is no duration: write a number and s, m, h or d, like 90s, 30m, 2h or 1d")
    return int(found[1]) * _SECONDS[found[2]]
