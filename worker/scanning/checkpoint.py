"""Checkpoints: the place that a walk has reached, and its report so far."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from redis import Redis
from redis.exceptions import ResponseError

from enforcer.errors import InvalidName
from enforcer.names import Repository
from enforcer.times import Time
from worker.scanning.report import Report

REMEMBERED = 86400
"""Seconds for which a command that was stopped can go on."""


@dataclass(slots=True)
class Checkpoint:
    """A walk is behind that tag of that repository, or behind the whole of it; both are walked in their order.

    It `began` at that time; `begun` counts the repositories up to this one, `problems` those of the report before it.
    """

    began: Time
    report: Report = field(default_factory=Report)
    repository: str = ""
    tag: str = ""
    is_whole: bool = False
    problems: int = 0
    begun: int = 0

    @classmethod
    def read(cls, text: str, now: Time) -> Self:
        """Read what `to_json` gave; what cannot be read is the checkpoint of a walk that begins now."""
        with suppress(InvalidName):
            return cls(Time(text))  # an older version kept nothing else of a baseline here
        with suppress(ValueError, TypeError, KeyError, AttributeError):
            return cls._of(json.loads(text))
        return cls(now)

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Self:
        """By the names of the keys: unknown ones are of a newer version, missing ones of an older."""
        return cls(
            Time(fields["began"]),
            Report.from_dict(fields["report"]),
            repository=str(fields["repository"]),
            tag=str(fields["tag"]),
            is_whole=bool(fields["is_whole"]),
            problems=int(fields["problems"]),
            begun=int(fields.get("begun", 0)),
        )

    def to_json(self) -> str:
        """The checkpoint as it is kept."""
        return json.dumps(asdict(self))

    def is_ahead(self, repository: Repository) -> bool:
        """Some of the repository is still to be walked."""
        return repository > self.repository or (repository == self.repository and not self.is_whole)

    def enter(self, repository: Repository) -> None:
        """Begin a repository, or go on with it."""
        if repository != self.repository:
            self.repository, self.tag = repository, ""
            self.begun += 1
        if not self.tag:
            self.problems = len(self.report.problems)
        self.is_whole = False

    @property
    def has_no_problem_here(self) -> bool:
        """All of the repository that was walked could be looked at."""
        return len(self.report.problems) == self.problems


class CommandCheckpoint:
    """The checkpoint of an operator's command, which goes on when it is given once more with the same `scope`."""

    def __init__(self, redis: Redis, scope: str) -> None:
        self._redis: Any = redis
        self._key = f"te:baseline:{scope}"

    def read(self, repositories: Sequence[Repository], now: Time) -> Checkpoint:
        """Read the checkpoint of a walk of these repositories; it is new if there is none that fits."""
        try:
            text = self._redis.get(self._key) or b""
        except ResponseError:  # the hash of an older version: that baseline begins anew
            text = b""
        checkpoint = Checkpoint.read(text.decode(), now)
        # A repository that came into sight before this place, as by a right to list it, would never be walked.
        in_sight = sum(repository <= checkpoint.repository for repository in repositories)
        return checkpoint if in_sight == checkpoint.begun else Checkpoint(now)

    def keep(self, text: str) -> None:
        """Keep a checkpoint."""
        self._redis.set(self._key, text, ex=REMEMBERED)

    def forget(self) -> None:
        """Forget it: the walk has ended."""
        self._redis.delete(self._key)
