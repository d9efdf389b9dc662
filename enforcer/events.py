"""Events: the pushes, deletions and approvals that change a tag, in one form for every registry."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self, TypeGuard

from enforcer.names import Digest, RegistryName, Repository, Tag, TagName
from enforcer.times import Time

_ID = re.compile(r"[!-~]{1,128}")
_TEXTS = ("media_type", "actor", "address", "user_agent", "reason", "source")

HARBOR, ENFORCER = "harbor", "enforcer"
"""The sources that are no process of a Distribution registry: a Harbor, whose webhooks come in any order, and we."""

Order = tuple[str, str, str]
"""The place of an event among those of its tag: time, arrival, id."""

UNSHOWN = "\ufffd"
"""Stands in a client's text for what cannot be shown: a name with it is no name that anything is compared with."""


class Action(StrEnum):
    """The ways to change a tag, or its record. Pulls and mounts never become events.

    Operators approve a digest; once a worker has found it in the registry, that adopts it as the record.
    """

    PUSH = "push"
    DELETE = "delete"
    APPROVE = "approve"
    ADOPT = "adopt"

    @property
    def is_client(self) -> bool:
        """True for the actions of a registry's client, as against those of an operator."""
        return self in (Action.PUSH, Action.DELETE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One push or delete, or an operator's approval: something that was done, not the state of the tag now.

    `children` are the manifests that a pushed index lists; `pushed` are those that its own client pushed lately, and
    when: enrichment adds them where a policy lets tags settle. `actor`, `address` and `user_agent` come from the client
    and are evidence to show to people, never a fact to decide by.

    `time` is what the registry says; `arrived` is Redis's time of the arrival in the log, and no other event of the log
    has the same. `at` is when it was done by Redis's clock, as far as the clock of its `source` is known, and never
    later than `arrived`. Events of earlier releases, and those in no log yet, have neither.
    """

    registry: RegistryName
    action: Action
    repository: Repository
    time: Time
    id: str
    tag: Tag | None = None
    digest: Digest | None = None
    media_type: str = ""
    children: tuple[Digest, ...] = ()
    actor: str = ""
    address: str = ""
    user_agent: str = ""
    reason: str = ""
    pushed: tuple[tuple[Digest, Time], ...] = ()
    source: str = ""
    arrived: Time | None = None
    at: Time | None = None

    @property
    def client(self) -> str:
        """The claimed client, its name and its host: equal for the requests of one build; "" if it claims nothing."""
        return f"{self.actor}@{host}" if (host := host_of(self.address)) or self.actor else ""

    @property
    def tag_name(self) -> TagName | None:
        """The tag that it is about; None where it names only a digest."""
        return None if self.tag is None else TagName(self.registry, self.repository, self.tag)

    @property
    def when(self) -> Time:
        """When it was done: by Redis's clock as far as that is known, else as the registry says."""
        return self.at or self.time

    @property
    def order(self) -> Order:
        """The key that events of one tag are sorted by: when they were done, and where that is equal, their arrival.

        Of events without an arrival the smaller digest comes first, and a deletion before every push: that is where
        they stand in the histories of earlier releases.
        """
        if self.arrived is not None:
            return (self.when, self.arrived, self.id)
        digest = None if self.action is Action.DELETE else self.digest
        return (self.when, digest or "", self.id)

    def as_dict(self) -> dict[str, Any]:
        """The event for JSON; fields with nothing in them are left out."""
        # dataclasses.asdict would copy every value, which took half of the time of judging
        return {name: value for name in self.__slots__ if (value := getattr(self, name))}

    def to_json(self) -> str:
        """The event as one line."""
        return json.dumps(self.as_dict(), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what `to_json` wrote. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
        return cls.from_dict(json.loads(text))

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Read what `as_dict` gave. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
        event = cls(
            registry=RegistryName(fields["registry"]),
            action=Action(fields["action"]),
            repository=Repository(fields["repository"]),
            time=Time(fields["time"]),
            id=fields["id"],
            tag=Tag(fields["tag"]) if "tag" in fields else None,
            digest=Digest(fields["digest"]) if "digest" in fields else None,
            children=tuple(Digest(child) for child in fields.get("children", ())),
            pushed=tuple((Digest(child), Time(time)) for child, time in fields.get("pushed", ())),
            arrived=Time(fields["arrived"]) if "arrived" in fields else None,
            at=Time(fields["at"]) if "at" in fields else None,
            **{name: _text(fields, name) for name in _TEXTS if name in fields},
        )
        if not is_id(event.id):
            raise ValueError(f"{str(event.id)[:80]!r} is no id of an event")
        if event.digest is None and (event.tag is None or event.action is not Action.DELETE):
            raise ValueError(f"a {event.action} without a digest")
        return event


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is {type(value).__name__}, not text")
    return value


def host_of(address: str) -> str:
    """The host of an address, with or without a port: that differs from one request of a client to the next."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    host, _, port = address.rpartition(":")
    return host if port.isdigit() and ":" not in host else address


def is_id(value: object) -> TypeGuard[str]:
    """True for a valid id of an event: a short word, since it stands between blanks in the ledger."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def fingerprint(*facts: Any) -> str:
    """An id for an event whose format has none: equal facts, equal id."""
    text = json.dumps(facts, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
