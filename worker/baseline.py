"""Baseline: record what is in the registry now, for every tag that has no record yet.

A record that is there is never replaced, unless forced: what differs is reported. A baseline that was stopped goes on
where it was: the repositories that are done are remembered until the last one is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from enforcer.agenda import Claim
from enforcer.errors import RegistryError
from enforcer.names import RegistryName, Repository
from enforcer.queue import Task
from worker.context import Context
from worker.finding import event_of, judge_findings
from worker.pace import Pace
from worker.patience import pause
from worker.survey import Look, Survey

logger = logging.getLogger(__name__)

SLICE = 10
"""Seconds of work before a baseline that a policy asked for makes room for other surveys."""

REMEMBERED = 7 * 86400
"""Seconds for which a baseline that was stopped can go on."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A tag whose record is another than what the registry has; `found` is None where it is gone."""

    name: str
    recorded: str
    found: str | None


@dataclass(slots=True)
class Report:
    """What a baseline did."""

    looked: int = 0
    recorded: int = 0
    differing: list[Difference] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Baseline:
    """A baseline of the repositories that are wanted; `scope` is the name under which its progress is remembered.

    With `only_new`, tags that have a record are not looked at; with `force`, such records are replaced.
    """

    def __init__(
        self,
        context: Context,
        survey: Survey,
        scope: str,
        wanted: Callable[[Repository], bool],
        *,
        only_new: bool = False,
        force: bool = False,
    ) -> None:
        self.report = Report()
        self.finished = False
        self._context = context
        self._survey = survey
        self._wanted = wanted
        self._only_new = only_new
        self._force = force
        self._redis: Any = context.redis
        self._done = f"te:baseline:{scope}"

    def run(self, seconds: float = float("inf")) -> Iterator[int]:
        """Go on for so many seconds; yields the number of tags looked at. Raises `RegistryError`."""
        until = time.monotonic() + seconds
        done = {member.decode() for member in self._redis.smembers(self._done)}
        for repository in self._survey.repositories(self._wanted):
            if repository in done:
                continue
            yield from self._record_repository(repository, until)
            if time.monotonic() > until:
                return
            self._redis.sadd(self._done, repository)
            self._redis.expire(self._done, REMEMBERED)
        self._redis.delete(self._done)
        self.finished = True

    def _record_repository(self, repository: Repository, until: float) -> Iterator[int]:
        tags = self._survey.tags(repository)
        if self._only_new:
            tags = {tag: standing for tag, standing in tags.items() if standing.record is None}
        news: list[Look] = []
        for look in self._survey.looks(repository, tags):
            self.report.looked += 1
            self._sort(look, news)
            yield self.report.looked
            if time.monotonic() > until:
                break
        self.report.recorded += len(news)
        judge_findings(self._context, [event_of(look, "baseline", adopted=self._force) for look in news])

    def _sort(self, look: Look, news: list[Look]) -> None:
        record = look.standing.record
        if look.problem:
            self.report.problems.append(look.problem)
        elif record is None and look.found is not None:
            news.append(look)
        elif record is not None and look.differs:
            self.report.differing.append(Difference(str(look.name), record.digest, look.found))
            if self._force and look.found is not None:
                news.append(look)


def baseline(context: Context, claim: Claim) -> None:
    """Do one slice of the baseline of a namespace, `registry/namespace`, in which a policy begins to protect."""
    registry, _, namespace = claim.item.partition("/")
    client = context.registries.get(RegistryName(registry))
    if client is None:
        context.baselines.done(claim.item)
        return
    survey = Survey(RegistryName(registry), client, context.ledger, Pace(context.settings.sweep_rate))
    whole = Baseline(context, survey, claim.item, lambda repository: repository.namespace == namespace, only_new=True)
    try:
        for _ in whole.run(SLICE):
            pass
    except RegistryError as error:
        logger.warning("the baseline of %s is put off: %s", claim.item, error)
        context.baselines.again(claim.item, "", pause(4, retry_after=error.retry_after))
        return
    logger.info("baseline of %s: %d tags recorded", claim.item, whole.report.recorded)
    if whole.finished:
        context.baselines.done(claim.item)
        context.sweeps.add([(claim.item, "")])  # originals that were recorded before the policy are kept by a sweep
        context.queues.wake(Task.SWEEP)
    else:
        context.baselines.again(claim.item, "", 0)
