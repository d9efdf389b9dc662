"""The report of a walk: tags that were looked at, and those that are not what they must be."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field
from typing import Any, Self, TypeVar

from redis import Redis

from enforcer.times import Time
from worker.scanning.observation import Difference

logger = logging.getLogger(__name__)

Named = TypeVar("Named")

MOST_NAMED = 10_000
"""Tags and problems that a report names; where a whole registry is wrong, the number says enough."""

LOGGED = 10
"""Problems that are logged one by one."""

SWEEPS = "te:sweeps"
"""The report of the last whole sweep of each registry and namespace that was swept."""


@dataclass(slots=True)
class Report:
    """Of so many tags, some were recorded, the records of some followed them, and `drift` were not what they must be.

    `drifted` names these, and `replaced` the tags whose record a baseline replaced. `broken` are tags that are in place
    and cannot be pulled. `problems` are tags and repositories that could not be looked at.
    """

    looked: int = 0
    recorded: int = 0
    followed: int = 0
    drift: int = 0
    drifted: list[Difference] = field(default_factory=list)
    replaced: list[Difference] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def note_drift(self, difference: Difference) -> None:
        """Count a tag that is not what its record says."""
        self.drift += 1
        _name(self.drifted, difference)

    def note_replaced(self, difference: Difference) -> None:
        """Count a tag whose record was replaced by what the registry has."""
        self.followed += 1
        _name(self.replaced, difference)

    def note_broken(self, text: str) -> None:
        """Name a tag that cannot be pulled, if the text is of one."""
        if text:
            _name(self.broken, text)

    def note_problem(self, text: str) -> None:
        """Name what could not be looked at, if anything."""
        if text:
            _name(self.problems, text)

    def of_sweep(self) -> dict[str, Any]:
        """The report of a sweep for JSON."""
        fields = asdict(self)
        del fields["replaced"]
        return fields

    def of_baseline(self) -> dict[str, Any]:
        """The report of a baseline for JSON."""
        fields = asdict(self)
        fields["differing"] = fields["drifted"]
        for difference in (*fields["differing"], *fields["replaced"]):
            del difference["lost"]  # baselines look at no children
        return {name: fields[name] for name in ("looked", "recorded", "differing", "replaced", "problems")}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Read what `asdict` or `of_sweep` gave; unknown keys are ignored."""
        report = cls(**{name: fields[name] for name in ("looked", "recorded", "followed", "drift")})
        report.drifted = [Difference.from_dict(each) for each in fields["drifted"]]
        report.replaced = [Difference.from_dict(each) for each in fields.get("replaced", ())]
        report.broken, report.problems = list(fields["broken"]), list(fields["problems"])
        return report


def _name(names: list[Named], name: Named) -> None:
    if len(names) < MOST_NAMED:
        names.append(name)


def remember(redis: Redis, key: str, report: Report, now: Time) -> None:
    """Keep the report of a whole sweep, for health and listings."""
    redis.hset(SWEEPS, key, json.dumps(report.of_sweep() | {"finished": now}))


def log_report(work: str, report: Report) -> None:
    """Log the result of a whole walk."""
    level = logging.WARNING if report.drift or report.problems else logging.INFO
    text = "%s: %d tags, %d recorded, %d followed, %d drifted, %d problems"
    counts = (report.looked, report.recorded, report.followed, report.drift, len(report.problems))
    logger.log(level, text, work, *counts)
    for problem in report.problems[:LOGGED]:
        logger.warning("not looked at: %s", problem)
