"""The ledger in Redis. All keys of a repository share a hash tag, so each script finds them on one cluster node."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis

from enforcer.ledger.record import Entry, Standing
from enforcer.names import Digest, RegistryName, Repository, Tag, TagName
from enforcer.namespaces import SEEN
from enforcer.registries.manifest import Manifest
from enforcer.scripts import script

logger = logging.getLogger(__name__)

HISTORY_LIMIT = 100
"""Entries kept for each tag, unless the settings say otherwise."""

REPOSITORIES = "te:repositories"
_Place = tuple[RegistryName, Repository]


@dataclass(frozen=True, slots=True)
class Change:
    """What was decided of one tag, to be written if its standing still has the version that was judged."""

    name: TagName
    judged_version: int
    standing: Standing
    entries: Sequence[Entry]


def _key(registry: str, repository: str, kind: str) -> str:
    return f"te:{{{registry}/{repository}}}:{kind}"


def _place(entry: Entry, tag: Tag) -> str:
    """Where an entry stands in the history: as text, so that it is sorted as `Event.order` sorts."""
    time, digest, event_id = entry.event.order
    return f"{tag} {time} {digest or '-'} {event_id} "


def _group(names: Iterable[TagName]) -> dict[_Place, list[TagName]]:
    groups: dict[_Place, list[TagName]] = defaultdict(list)
    for name in names:
        groups[name.registry, name.repository].append(name)
    return groups


def _read_standing(value: bytes | None) -> Standing:
    if value is None:
        return Standing()
    version, _, text = value.partition(b" ")
    return Standing.from_json(text, int(version))


class Ledger:
    """All records, their history, and the manifests kept for restoring them."""

    def __init__(self, redis: Redis, *, history_limit: int = HISTORY_LIMIT) -> None:
        self._redis: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes
        self.history_limit = history_limit
        self._write = script(redis, "enforcer.ledger", "write.lua")

    def standings(self, names: Iterable[TagName]) -> dict[TagName, Standing]:
        """What is known of each tag, in one round trip."""
        groups = _group(names)
        with self._redis.pipeline(transaction=False) as pipe:
            for (registry, repository), tags in groups.items():
                pipe.hmget(_key(registry, repository, "tags"), [name.tag for name in tags])
            answers = pipe.execute()
        return {
            name: _read_standing(value)
            for tags, values in zip(groups.values(), answers, strict=True)
            for name, value in zip(tags, values, strict=True)
        }

    def standing(self, name: TagName) -> Standing:
        """What is known of one tag."""
        return self.standings([name])[name]

    def tags(self, registry: RegistryName, repository: Repository) -> dict[Tag, Standing]:
        """What is known of every tag of a repository."""
        values = self._redis.hgetall(_key(registry, repository, "tags"))
        return {Tag(tag.decode()): _read_standing(value) for tag, value in values.items()}

    def repositories(self) -> Iterator[_Place]:
        """Every repository that has a record or a history."""
        for member in self._redis.sscan_iter(REPOSITORIES, count=1000):
            registry, _, repository = member.decode().partition("/")
            yield RegistryName(registry), Repository(repository)

    def histories(self, names: Iterable[TagName]) -> dict[TagName, tuple[Entry, ...]]:
        """The history of each tag, oldest entry first, in one round trip."""
        wanted = list(names)
        with self._redis.pipeline(transaction=False) as pipe:
            for name in wanted:
                key = _key(name.registry, name.repository, "history")
                pipe.zrangebylex(key, f"[{name.tag} ", f"({name.tag}!")
            answers = pipe.execute()
        return {
            name: tuple(Entry.from_json(member.split(b" ", 4)[4], name) for member in members)
            for name, members in zip(wanted, answers, strict=True)
        }

    def history(self, name: TagName) -> tuple[Entry, ...]:
        """The history of one tag, oldest entry first."""
        return self.histories([name])[name]

    def write(self, changes: Iterable[Change]) -> set[TagName]:
        """Write decisions in one round trip; returns the tags that changed meanwhile, to be judged again."""
        of_name = {change.name: change for change in changes}
        groups = _group(of_name)
        with self._redis.pipeline(transaction=False) as pipe:
            for (registry, repository), names in groups.items():
                arguments: list[str | int] = [self.history_limit]
                for name in names:
                    arguments += self._arguments(of_name[name])
                keys = [_key(registry, repository, "tags"), _key(registry, repository, "history")]
                self._write(keys=keys, args=arguments, client=pipe)
            new = [f"{registry}/{repository}" for registry, repository in groups]
            if new:
                pipe.sadd(REPOSITORIES, *new)
            for registry, repository in groups:
                pipe.sadd(SEEN + registry, repository.namespace)
            answers = pipe.execute()
        return {
            TagName(registry, repository, Tag(tag.decode()))
            for (registry, repository), conflicts in zip(groups, answers[: len(groups)], strict=True)
            for tag in conflicts
        }

    def _arguments(self, change: Change) -> list[str | int]:
        tag, standing = change.name.tag, change.standing
        arguments: list[str | int] = [tag, change.judged_version, f"{standing.version} {standing.to_json()}"]
        arguments.append(len(change.entries))
        for entry in change.entries:
            arguments += [_place(entry, tag), entry.to_json()]
        return arguments

    def keep(self, registry: RegistryName, repository: Repository, manifest: Manifest) -> None:
        """Keep a manifest's bytes, so that it can be put back when the registry has lost it."""
        self._redis.hset(_key(registry, repository, "manifests"), manifest.digest, manifest.packed())

    def keeps(self, registry: RegistryName, repository: Repository, digest: Digest) -> bool:
        """Whether the manifest's bytes are kept."""
        return bool(self._redis.hexists(_key(registry, repository, "manifests"), digest))

    def kept(self, registry: RegistryName, repository: Repository, digest: Digest) -> Manifest | None:
        """The kept manifest; None if it is not kept."""
        packed = self._redis.hget(_key(registry, repository, "manifests"), digest)
        return None if packed is None else Manifest.unpacked(digest, packed)

    def all_kept(self, registry: RegistryName, repository: Repository) -> Iterator[Manifest]:
        """Every manifest that is kept of a repository and still what it was; perhaps one of them twice."""
        for digest, packed in self._redis.hscan_iter(_key(registry, repository, "manifests"), count=100):
            try:
                yield Manifest.unpacked(Digest(digest.decode()), packed)
            except ValueError as error:
                logger.warning("what is kept of %s in %s is of no use: %s", repository, registry, error)
