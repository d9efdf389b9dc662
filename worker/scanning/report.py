"""What a sweep found, and how far it came: between two slices both stand on the agenda."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from enforcer.times import Time
from worker.context import Context
from worker.scanning.observation import Difference

logger = logging.getLogger(__name__)

LISTED = 10_000
"""Tags and problems that a report names; where a whole registry is wrong, the number says enough."""

SWEEPS = "te:sweeps"
"""The report of the last whole sweep of each registry and namespace that was swept."""


@dataclass(slots=True)
class Report:
    """Of so many tags, some were recorded, the records of some followed them, and `drift` were not what they must be.

    `drifted` names these. What is `broken` is in place and could not be pulled: something of it is gone. `problems` are
    tags and repositories that could not be looked at.
    """

    looked: int = 0
    recorded: int = 0
    followed: int = 0
    drift: int = 0
    drifted: list[Difference] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def note_drift(self, difference: Difference) -> None:
        """Count a protected tag that is not what it must be."""
        self.drift += 1
        if len(self.drifted) < LISTED:
            self.drifted.append(difference)

    def note_broken(self, text: str) -> None:
        """Remember a tag that could not be pulled."""
        if text and len(self.broken) < LISTED:
            self.broken.append(text)

    def note_problem(self, text: str) -> None:
        """Remember what could not be looked at."""
        if text and len(self.problems) < LISTED:
            self.problems.append(text)

    def as_dict(self) -> dict[str, Any]:
        """The report for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Read what `as_dict` gave."""
        return cls(**fields | {"drifted": [Difference(**difference) for difference in fields["drifted"]]})


@dataclass(slots=True)
class SoFar:
    """The report of a sweep that goes on behind that tag of that repository, or behind the whole of it.

    There were that many problems before that repository.
    """

    report: Report = field(default_factory=Report)
    repository: str = ""
    tag: str = ""
    is_whole: bool = False
    problems: int = 0
    began: Time = field(default_factory=Time.now)

    @classmethod
    def read(cls, notes: str) -> Self:
        """Read what stands on the agenda; nothing for a new sweep."""
        if not notes:
            return cls()
        fields = json.loads(notes)
        return cls(**fields | {"report": Report.from_dict(fields["report"]), "began": Time(fields["began"])})

    def written(self) -> str:
        """What stands on the agenda until the next slice."""
        return json.dumps(asdict(self))

    def is_ahead(self, repository: str) -> bool:
        """Whether some of a repository is still to be swept."""
        return repository > self.repository or (repository == self.repository and not self.is_whole)


def remember(context: Context, item: str, report: Report) -> None:
    """Keep the report of a whole sweep for whoever asks later."""
    context.redis.hset(SWEEPS, item, json.dumps(report.as_dict() | {"finished": Time.now()}))


def log_report(item: str, report: Report) -> None:
    """Say what a whole sweep found."""
    level = logging.WARNING if report.drift or report.problems else logging.INFO
    text = "swept %s: %d tags, %d recorded, %d followed, %d drifted, %d problems"
    counts = (report.looked, report.recorded, report.followed, report.drift, len(report.problems))
    logger.log(level, text, item, *counts)
    for problem in report.problems[:10]:
        logger.warning("not looked at: %s", problem)
