"""Backfill: what was not known of a protected tag when it was judged, and can be now that it is in place.

Its manifest is kept, so that it can be restored one day. An approval of a digest that the registry did not have, or did
not tell of, waits in the record: once the registry has it, it is adopted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from enforcer.errors import ManifestMissing, RegistryError
from enforcer.events import Action, Event
from enforcer.judgement.record import Record
from enforcer.store.ledger import Ledger
from worker.judging.enforcement_requests import EnforcementRequests
from worker.scanning.observation import Observation
from worker.scanning.observation_judge import ObservationJudge
from worker.scanning.scan import Scan


class Backfill:
    """Backfills tags that are in place."""

    def __init__(self, scan: Scan, ledger: Ledger, judge: ObservationJudge, requests: EnforcementRequests) -> None:
        self._scan = scan
        self._ledger = ledger
        self._judge = judge
        self._requests = requests

    def take(self, observations: Sequence[Observation], note_problem: Callable[[str], None]) -> None:
        """Keep the manifests of tags that have a record, and have judged what is known of them now."""
        events: list[Event] = []
        for observation in observations:
            record = observation.state.record
            assert record is not None  # else it is not in place
            self._requests.keep_if_missing(observation.name, record.digest)
            try:
                event = self._adopt(observation, record)
            except RegistryError as error:
                note_problem(f"{observation.name}: whether what was approved is there is not known: {error}")
            else:
                events += [event] if event else []
        self._judge.judge(events)

    def _adopt(self, observation: Observation, record: Record) -> Event | None:
        """The approval once more, now that the registry has the digest: by the same author, for the same reason."""
        if record.approved is None:
            return None
        try:
            self._scan.read(observation.name.repository, record.approved)
        except ManifestMissing:
            return None
        approvals = (entry.event for entry in reversed(self._ledger.history(observation.name)))
        approval = next(
            (one for one in approvals if one.action is Action.APPROVE and one.digest == record.approved), None
        )
        if approval is None:  # a full history has forgotten it
            return self._judge.event(replace(observation, found=record.approved), adopted="approved before")
        time = observation.state.time_after(observation.time)
        return replace(approval, action=Action.ADOPT, time=time, id=self._judge.event_id())
