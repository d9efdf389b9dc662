"""Entries of the log: an event with the times that its place there gives it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from enforcer.events import ENFORCER, Event
from enforcer.times import Time


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An event as it stands in the log; `event` is None if it cannot be read any more."""

    entry_id: str
    text: bytes
    event: Event | None

    @property
    def time(self) -> Time:
        """When the receiver accepted it: the same for whoever judges it."""
        return arrived_at(self.entry_id)


def order_of(entry_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence)


def arrivals(entries: Iterable[tuple[bytes, dict[bytes, bytes]]]) -> list[LogEntry]:
    return [_arrival(entry_id.decode(), fields or {}) for entry_id, fields in entries]


def _arrival(entry_id: str, fields: dict[bytes, bytes]) -> LogEntry:
    text = fields.get(b"event", b"")
    try:
        return LogEntry(entry_id, text, placed(Event.from_json(text), entry_id, fields.get(b"at")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return LogEntry(entry_id, text, None)


def placed(event: Event, entry_id: str, at: bytes | None) -> Event:
    """An event with the times of its entry: `at` is in microseconds, empty where the arrival decides.

    Entries of earlier releases have none: the order is that of the registry's times there.
    """
    arrived = arrived_at(entry_id)
    if at is None:
        return replace(event, arrived=arrived)
    if event.source == ENFORCER:  # we know when we looked, and what was known then
        return replace(event, arrived=arrived, at=min(event.time, arrived))
    return replace(event, arrived=arrived, at=Time.from_nanoseconds(int(at) * 1000) if at else arrived)


def arrived_at(entry_id: str) -> Time:
    """The time of an entry, whose number among those of one millisecond counts as nanoseconds."""
    milliseconds, sequence = order_of(entry_id)
    return Time.from_nanoseconds(milliseconds * 1_000_000 + sequence)
