"""The ledger in Redis. All keys of a repository share a hash tag, so each script finds them on one cluster node."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from redis import Redis

from enforcer.judgement.record import Entry, TagState
from enforcer.names import Digest, RegistryName, Repository, Tag, TagName
from enforcer.store.kept_manifests import KEPT_BYTES, KeptManifests, repository_key
from enforcer.store.lua import script
from enforcer.store.namespaces import SEEN

HISTORY_LIMIT = 100
"""Entries kept for each tag, unless the settings say otherwise."""

DELETIONS = 1000
"""Deletions of manifests that are known of each repository, at most."""

DELETIONS_SECONDS = 3600
"""For so long after the last of them: so much later may the push of what was deleted become known."""

REPOSITORIES = "te:repositories"
RepositoryKey = tuple[RegistryName, Repository]


@dataclass(frozen=True, slots=True)
class Change:
    """What was decided of one tag, to be written if its standing still has the version that was judged.

    `deletions` is the version of the deletions that were known of its repository; None if those do not matter.
    """

    name: TagName
    judged_version: int
    state: TagState
    entries: Sequence[Entry]
    deletions: int | None = None

    @property
    def digests(self) -> set[Digest]:
        """All manifests whose deletion concerns the tag."""
        records = (self.state.record, *(entry.record for entry in self.entries))
        return {digest for record in records if record for digest in record.digests}


@dataclass(frozen=True, slots=True)
class Deletions:
    """The latest deletions of a repository's manifests, as they were noted, by digest; `version` grows with each."""

    version: int = 0
    by_digest: Mapping[str, Sequence[str]] = field(default_factory=dict)


def _place(entry: Entry, tag: Tag) -> str:
    """Where an entry stands in the history: as text, so that it is sorted as `Event.order` sorts."""
    time, arrived, event_id = entry.event.order
    return f"{tag} {time} {arrived or '-'} {event_id} "


def _group(names: Iterable[TagName]) -> dict[RepositoryKey, list[TagName]]:
    groups: dict[RepositoryKey, list[TagName]] = defaultdict(list)
    for name in names:
        groups[name.registry, name.repository].append(name)
    return groups


def _read_standing(value: bytes | None) -> TagState:
    if value is None:
        return TagState()
    version, _, text = value.partition(b" ")
    return TagState.from_json(text, int(version))


def _read_deletions(members: Sequence[tuple[bytes, float]]) -> Deletions:
    by_digest: dict[str, list[str]] = defaultdict(list)
    version = 0
    for member, number in members:
        digest, _, text = member.decode().partition(" ")
        by_digest[digest].append(text)
        version = int(number)
    return Deletions(version, by_digest)


class Ledger(KeptManifests):
    """All records, their history, and the manifests kept for restoring them."""

    def __init__(self, redis: Redis, *, history_limit: int = HISTORY_LIMIT, kept_bytes: int = KEPT_BYTES) -> None:
        super().__init__(redis, kept_bytes=kept_bytes)
        self.history_limit = history_limit
        self._write = script(redis, "ledger_write")
        self._note_deletion = script(redis, "ledger_note_deletion")

    def states(self, names: Iterable[TagName]) -> dict[TagName, TagState]:
        """What is known of each tag, in one round trip."""
        return self.situations(names)[0]

    def situations(self, names: Iterable[TagName]) -> tuple[dict[TagName, TagState], dict[RepositoryKey, Deletions]]:
        """What is known of each tag, and which manifests of its repository were deleted lately, in one round trip."""
        groups = _group(names)
        with self._redis.pipeline(transaction=False) as pipe:
            for (registry, repository), tags in groups.items():
                # The deletions first: one that is noted in between makes the decision one that is not written.
                pipe.zrange(repository_key(registry, repository, "deletions"), 0, -1, withscores=True)
                pipe.hmget(repository_key(registry, repository, "tags"), [name.tag for name in tags])
            answers = pipe.execute()
        states = {
            name: _read_standing(value)
            for tags, values in zip(groups.values(), answers[1::2], strict=True)
            for name, value in zip(tags, values, strict=True)
        }
        return states, dict(zip(groups, map(_read_deletions, answers[::2]), strict=True))

    def note_deletions(self, deletions: Iterable[tuple[RepositoryKey, Digest, str]]) -> list[list[TagName]]:
        """Note deletions of manifests, each as some text; returns the tags that may need each, or needed it once.

        From then on nothing is written of the repository's tags that was judged without knowing.
        """
        places: list[RepositoryKey] = []
        with self._redis.pipeline(transaction=False) as pipe:
            for (registry, repository), digest, text in deletions:
                places.append((registry, repository))
                keys = [
                    repository_key(registry, repository, "deletions"),
                    repository_key(registry, repository, "digests"),
                ]
                self._note_deletion(
                    keys=keys, args=[f"{digest} {text}", digest, DELETIONS, DELETIONS_SECONDS], client=pipe
                )
            answers = pipe.execute()
        return [
            [TagName(*place, Tag(tag.decode())) for tag in tags] for place, tags in zip(places, answers, strict=True)
        ]

    def state(self, name: TagName) -> TagState:
        """What is known of one tag."""
        return self.states([name])[name]

    def tags(self, registry: RegistryName, repository: Repository) -> dict[Tag, TagState]:
        """What is known of every tag of a repository."""
        values = self._redis.hgetall(repository_key(registry, repository, "tags"))
        return {Tag(tag.decode()): _read_standing(value) for tag, value in values.items()}

    def tags_of(self, place: RepositoryKey, digest: Digest) -> list[TagName]:
        """The tags that may need a manifest, or needed it once."""
        members = self._redis.zrangebylex(repository_key(*place, "digests"), f"[{digest} ", f"({digest}!")
        return [TagName(*place, Tag(member.decode().rpartition(" ")[2])) for member in members]

    def repositories(self) -> Iterator[RepositoryKey]:
        """Every repository that has a record or a history."""
        for member in self._redis.sscan_iter(REPOSITORIES, count=1000):
            registry, _, repository = member.decode().partition("/")
            yield RegistryName(registry), Repository(repository)

    def histories(self, names: Iterable[TagName]) -> dict[TagName, tuple[Entry, ...]]:
        """The history of each tag, oldest entry first, in one round trip."""
        wanted = list(names)
        with self._redis.pipeline(transaction=False) as pipe:
            for name in wanted:
                key = repository_key(name.registry, name.repository, "history")
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
                known = of_name[names[0]].deletions
                arguments: list[str | int] = [self.history_limit, "" if known is None else known]
                for name in names:
                    arguments += self._arguments(of_name[name])
                kinds = ("tags", "history", "digests", "deletions")
                keys = [repository_key(registry, repository, kind) for kind in kinds]
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
        tag, state = change.name.tag, change.state
        arguments: list[str | int] = [tag, change.judged_version, f"{state.version} {state.to_json()}"]
        arguments.append(len(change.entries))
        for entry in change.entries:
            arguments += [_place(entry, tag), entry.to_json()]
        digests = change.digests
        return [*arguments, len(digests), *digests]

    def release_unneeded(self, registry: RegistryName, repository: Repository) -> int:
        """Remove kept manifests that no record needs any more; returns the bytes kept of the registry."""
        records = (state.record for state in self.tags(registry, repository).values())
        return self.release(registry, repository, {digest for each in records if each for digest in each.digests})
