"""Protection at the time of an event: registries' clocks differ, so its arrival counts as well."""

from __future__ import annotations

from enforcer.events import ENFORCER, Event
from enforcer.names import TagName
from enforcer.policies.policy import Protection
from enforcer.policies.policy_set import PolicySet


def protection_of(policies: PolicySet, name: TagName, event: Event, actor: str = "") -> Protection | None:
    """The protection of a tag against that actor when the event was done, or when it arrived: what protects wins.

    What we say ourselves is of the time that it tells: a tag is protected as it was found.
    """
    then = policies.protection(*name.parts, event.when, actor)
    if event.arrived in (None, event.when) or event.source == ENFORCER or (then is not None and then.is_whole):
        return then
    later = policies.protection(*name.parts, event.arrived, actor)
    return later if then is None else then.joined(later)
