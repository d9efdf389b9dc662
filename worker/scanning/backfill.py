"""Completion: what could not be known of a protected tag when it was judged, and can be now that it is in place.

Its manifest is kept, so that it can be restored one day. An approval of a digest that the registry did not have, or did
not tell of, waits in the record: once the registry has it, it is adopted. And of an index that nobody described, the
record lists no children, whose deletion would break the tag unnoticed: once its manifest is kept, they are known.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace

from enforcer.errors import ManifestMissing, RegistryError
from enforcer.events import Action, Event
from enforcer.judgement.record import Record
from enforcer.manifests import is_index
from worker.context import Context
from worker.judging.enforcement_requests import EnforcementRequests
from worker.scanning.observation import judge_observed, observed_event
from worker.scanning.scan import Observation, Scan


def complete(
    context: Context, scan: Scan, observations: Sequence[Observation], note_problem: Callable[[str], None]
) -> None:
    """Keep the manifests of tags that are in place, and have judged what is known of them now."""
    events: list[Event] = []
    for observation in observations:
        record = observation.state.record
        assert record is not None  # else it is not in place
        EnforcementRequests.of(context).keep_if_missing(observation.name, record.digest)
        try:
            event = _adopt(context, scan, observation, record) or _describe(context, observation, record)
        except RegistryError as error:
            note_problem(f"{observation.name}: whether what was approved is there is not known: {error}")
        else:
            events += [event] if event else []
    if events:
        judge_observed(context, scan, events)


def _adopt(context: Context, scan: Scan, observation: Observation, record: Record) -> Event | None:
    """The approval once more, now that the registry has the digest: by the same author, for the same reason."""
    if record.approved is None:
        return None
    try:
        scan.read(observation.name.repository, record.approved)
    except ManifestMissing:
        return None
    approvals = (entry.event for entry in reversed(context.ledger.history(observation.name)))
    approval = next((one for one in approvals if one.action is Action.APPROVE and one.digest == record.approved), None)
    if approval is None:  # a full history has forgotten it
        return observed_event(replace(observation, found=record.approved), "sweep", adopted="approved before")
    time = observation.state.time_after(observation.time)
    return replace(approval, action=Action.ADOPT, time=time, id=f"sweep-{secrets.token_hex(8)}")


def _describe(context: Context, observation: Observation, record: Record) -> Event | None:
    if record.children or (record.media_type and not is_index(record.media_type)):
        return None
    manifest = context.kept(observation.name.registry, observation.name.repository, record.digest)
    if manifest is None or not manifest.children:
        return None
    return replace(observed_event(observation, "sweep"), media_type=manifest.media_type, children=manifest.children)
