"""Sweep: compare registry and ledger, tag by tag, and have put right what differs.

Events have holes, so this is part of the promise and no extra: whatever nobody told us is found here. It looks at every
namespace that has a policy. In it, a protected tag that is not what its record says is a violation, one without a
record is recorded, and the record of an unprotected tag follows the registry.

A tag that differs is looked at once more after a while: a push whose event is on its way is no drift.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Self

from redis.exceptions import LockError

from enforcer.agenda import Claim
from enforcer.errors import EnforcerError, RegistryError
from enforcer.events import Event
from enforcer.names import RegistryName, Repository, TagName
from enforcer.times import Time
from worker.consequences import keep_if_missing, restore
from worker.context import Context
from worker.finding import event_of, judge_findings
from worker.pace import Pace
from worker.patience import pause
from worker.survey import Look, Survey

logger = logging.getLogger(__name__)

SLICE = 10
"""Seconds of work before a sweep makes room for other surveys; it goes on where it was."""

LOCK = 60
"""Seconds for which a sweep that died keeps others from the same place."""

PROBLEMS = 100
"""Problems that a report names."""

SECOND_LOOK = 1.0
"""Seconds between the look that finds a difference and the one that confirms it."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A protected tag that is not what it should be; `found` is None where it is gone."""

    name: str
    recorded: str
    found: str | None


@dataclass(slots=True)
class Report:
    """What a sweep found so far, and the tag that it came to: the next slice goes on behind it."""

    looked: int = 0
    recorded: int = 0
    followed: int = 0
    drifted: list[Drift] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    repository: str = ""
    tag: str = ""

    @classmethod
    def read(cls, notes: str) -> Self:
        """Read what stands on the agenda; nothing for a new sweep."""
        if not notes:
            return cls()
        fields = json.loads(notes)
        return cls(**fields | {"drifted": [Drift(**drift) for drift in fields["drifted"]]})

    def written(self) -> str:
        """The report as it stands on the agenda."""
        return json.dumps(asdict(self))

    def note_problem(self, problem: str) -> None:
        """Remember what could not be looked at; a registry that is away needs no more than some of them."""
        logger.warning("not looked at: %s", problem)
        if len(self.problems) < PROBLEMS:
            self.problems.append(problem)


class SweepRunning(EnforcerError):
    """Somebody sweeps the same place at the moment."""


class Sweep:
    """A sweep of a registry, or of one namespace of it. With `report_only` it changes nothing."""

    def __init__(
        self, context: Context, survey: Survey, report: Report, *, namespace: str = "", report_only: bool = False
    ) -> None:
        self.report = report
        self._context = context
        self._survey = survey
        self._namespace = namespace
        self._report_only = report_only
        self._policies = context.policies.current()

    def run(self, seconds: float) -> Iterator[int]:
        """Go on for so many seconds; yields the number of tags looked at. Raises `RegistryError`."""
        until = time.monotonic() + seconds
        for repository in self._survey.repositories(self._is_wanted):
            if repository < self.report.repository:
                continue
            yield from self._sweep_repository(repository, until)
            if time.monotonic() > until:
                return
        self.report.repository = self.report.tag = ""

    @property
    def finished(self) -> bool:
        """Whether every tag was looked at."""
        return not self.report.repository

    def _is_wanted(self, repository: Repository) -> bool:
        if self._namespace and repository.namespace != self._namespace:
            return False
        policies = self._policies.of_namespace(self._survey.registry, repository.namespace)
        return any(not policy.disabled for policy in policies)

    def _sweep_repository(self, repository: Repository, until: float) -> Iterator[int]:
        after = self.report.tag if repository == self.report.repository else ""
        self.report.repository, self.report.tag = repository, after
        try:
            tags = {tag: standing for tag, standing in self._survey.tags(repository).items() if tag > after}
        except RegistryError as error:
            self.report.note_problem(str(error))
            return
        differing: list[Look] = []
        for look in self._survey.looks(repository, tags):
            self.report.looked += 1
            self.report.tag = look.name.tag
            if look.problem:
                self.report.note_problem(look.problem)
            elif look.differs:
                differing.append(look)
            elif look.found is not None and self._protects(look.name):
                keep_if_missing(self._context, look.name, look.found)
            yield self.report.looked
            if time.monotonic() > until:
                break
        self._take(differing)

    def _take(self, differing: Sequence[Look]) -> None:
        """Look once more at what differs, and have judged what still does."""
        if not differing:
            return
        time.sleep(SECOND_LOOK)
        events: list[Event] = []
        for look in differing:
            again = self._survey.look(replace(look, standing=self._context.ledger.standing(look.name)))
            if again.problem:
                self.report.note_problem(again.problem)
            elif again.differs:
                events += self._count(again)
        if not self._report_only:
            judge_findings(self._context, events)

    def _count(self, look: Look) -> list[Event]:
        """What differs, counted; as an event, unless it is known already and being put right."""
        record = look.standing.record
        protected = self._protects(look.name)
        if protected and record is not None:
            self.report.drifted.append(Drift(str(look.name), record.digest, look.found))
            if self._context.violations.get_open(look.name):
                if not self._report_only:
                    restore(self._context, [look.name])
                return []
        elif protected:
            self.report.recorded += 1
        else:
            self.report.followed += 1
        return [event_of(look, "sweep")]

    def _protects(self, name: TagName) -> bool:
        protection = self._policies.protection(name.registry, name.repository, name.tag, Time.now())
        return protection is not None


def sweep(context: Context, claim: Claim) -> None:
    """Do one slice of the sweep that was claimed: of `registry`, or of `registry/namespace`."""
    registry, _, namespace = claim.item.partition("/")
    client = context.registries.get(RegistryName(registry))
    if client is None:
        context.sweeps.done(claim.item)
        return
    survey = Survey(RegistryName(registry), client, context.ledger, Pace(context.settings.sweep_rate))
    whole = Sweep(context, survey, Report.read(claim.notes), namespace=namespace)
    try:
        with sole_sweep(context, claim.item):
            for _ in whole.run(SLICE):
                pass
    except (RegistryError, SweepRunning) as error:
        logger.warning("the sweep of %s is put off: %s", claim.item, error)
        context.sweeps.again(claim.item, claim.notes, pause(5))
        return
    if whole.finished:
        conclude(context, claim.item, whole.report)
        context.sweeps.done(claim.item)
    else:
        context.sweeps.again(claim.item, whole.report.written(), 0)


@contextmanager
def sole_sweep(context: Context, item: str) -> Iterator[Callable[[], None]]:
    """Keep others from sweeping the same place meanwhile, as long as the function that is given is called now and then.

    Raises `SweepRunning`.
    """
    lock = context.redis.lock(f"te:sweeping:{item}", timeout=LOCK, thread_local=False)
    if not lock.acquire(blocking=False):
        raise SweepRunning(f"{item} is being swept already; its report comes in the log of the workers")
    renewed = time.monotonic()

    def renew() -> None:
        nonlocal renewed
        if time.monotonic() - renewed > LOCK / 4:
            renewed = time.monotonic()
            lock.reacquire()

    try:
        yield renew
    finally:
        with suppress(LockError):  # it ran out
            lock.release()


def conclude(context: Context, item: str, report: Report) -> None:
    """Say what a sweep found, and keep it for whoever asks later."""
    level = logging.WARNING if report.drifted else logging.INFO
    logger.log(
        level,
        "swept %s: %d tags, %d recorded, %d followed, %d drifted, %d problems",
        item,
        report.looked,
        report.recorded,
        report.followed,
        len(report.drifted),
        len(report.problems),
    )
    summary = json.loads(report.written()) | {"finished": Time.now()}
    context.redis.hset("te:sweeps", item, json.dumps(summary))
