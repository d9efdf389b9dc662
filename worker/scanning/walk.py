"""A walk: one scan of repositories, tag by tag, that can be stopped anywhere and gone on with.

Baselines and sweeps are walks. They differ in what they do with a batch of observations: that is their `Visitor`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from enforcer.names import Repository
from enforcer.times import Time
from worker.scanning.checkpoint import Checkpoint
from worker.scanning.estimate import Estimate
from worker.scanning.observation import Observation
from worker.scanning.report import Report
from worker.scanning.scan import Scan, TagList, batches


class Visitor(Protocol):
    """The work of one kind of walk. It is given observations of which the registry said something."""

    def choose(self, tags: TagList) -> TagList:
        """Choose the tags of a repository that are to be looked at."""

    def take(self, observations: Sequence[Observation]) -> list[Observation]:
        """Handle a batch, but for those observations that a second look is to confirm: these are returned."""

    def confirm(self, observations: Sequence[Observation]) -> None:
        """Handle the second look at these tags."""

    def finish(self, place: str, began: Time) -> None:
        """Handle the end of `registry/repository`, all of which could be looked at by a walk that began then."""


class Walk:
    """A walk over repositories, in their order, on from a checkpoint.

    `settled` is the checkpoint to go on from: behind it no tag waits for its second look.
    """

    def __init__(
        self, scan: Scan, repositories: Sequence[Repository], checkpoint: Checkpoint, visitor: Visitor
    ) -> None:
        self.finished = False
        self.settled = checkpoint.to_json()
        self._scan = scan
        self._repositories = [repository for repository in repositories if checkpoint.is_ahead(repository)]
        self.estimate = Estimate(len(self._repositories))
        self._checkpoint = checkpoint
        self._visitor = visitor
        self._timing = scan.timing
        self._suspects: list[tuple[float, Observation]] = []
        self._complete: list[Repository] = []

    @property
    def report(self) -> Report:
        """The report so far."""
        return self._checkpoint.report

    def run(self, seconds: float = float("inf")) -> Iterator[int]:
        """Go on for so many seconds; yields how many tags were looked at since the last time.

        Raises `RegistryUnavailable`.
        """
        until = self._timing.monotonic() + seconds
        is_over = True
        for tags in self._scan.listings(self._repositories):
            yield from self._walk_repository(tags, until)
            if self._timing.monotonic() > until:
                is_over = False
                break
        self._look_again(wait=True)
        self._settle()
        self.finished = is_over

    def _walk_repository(self, tags: TagList, until: float) -> Iterator[int]:
        self._checkpoint.enter(tags.repository)
        self.report.note_problem(tags.problem)
        tags = self._visitor.choose(tags).after(self._checkpoint.tag)
        self.estimate.add(len(tags.tags))
        for batch in batches(self._scan.observations(tags), self._timing.monotonic):
            self.report.looked += len(batch)
            suspects = self._visitor.take(self._without_problems(batch))
            self._suspects += [(self._timing.monotonic(), suspect) for suspect in suspects]
            self._checkpoint.tag = batch[-1].name.tag
            self._look_again()
            self._settle()
            yield len(batch)
            if self._timing.monotonic() > until:
                return
        self._checkpoint.is_whole = True
        if self._checkpoint.has_no_problem_here:
            self._complete.append(tags.repository)

    def _without_problems(self, batch: Sequence[Observation]) -> list[Observation]:
        for observation in batch:
            self.report.note_problem(observation.problem)
        return [observation for observation in batch if not observation.problem]

    def _look_again(self, *, wait: bool = False) -> None:
        """Look once more at what differed a while ago: a push whose event is on its way is no drift.

        With `wait`, until no tag is left.
        """
        second_look = self._timing.second_look
        if wait and self._suspects:
            self._timing.sleep(max(0, self._suspects[-1][0] + second_look - self._timing.monotonic()))
        due = self._timing.monotonic() - (0 if wait else second_look)
        names = [suspect.name for since, suspect in self._suspects if since <= due]
        self._suspects = [(since, suspect) for since, suspect in self._suspects if since > due]
        if names:
            self._visitor.confirm(self._without_problems(list(self._scan.look_again(names))))

    def _settle(self) -> None:
        """Move the checkpoint on, unless that would skip the second look at a tag if the walk died now."""
        if self._suspects:
            return
        for repository in self._complete:
            self._visitor.finish(f"{self._scan.registry}/{repository}", self._checkpoint.began)
        self._complete.clear()
        self.settled = self._checkpoint.to_json()
