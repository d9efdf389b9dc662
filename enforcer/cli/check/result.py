"""Results of checks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Result:
    """The state of a subject, in one line.

    `failed` means that events are lost or tags are not restored, `warning` that it can come to that.
    """

    level: Level
    subject: str
    text: str

    @property
    def line(self) -> str:
        """The text without line breaks, which some errors have."""
        return " ".join(self.text.split())

    def as_dict(self) -> dict[str, str]:
        """The result for JSON."""
        return {"level": self.level.value, "subject": self.subject, "text": self.line}


def ok(subject: str, text: str) -> Result:
    """All is well."""
    return Result(Level.OK, subject, text)


def warning(subject: str, text: str) -> Result:
    """It works, and may not tomorrow."""
    return Result(Level.WARNING, subject, text)


def failed(subject: str, text: str) -> Result:
    """It does not work."""
    return Result(Level.FAILED, subject, text)
