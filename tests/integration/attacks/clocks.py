"""Overwrites on registries whose clocks are wrong, apart, or set while they run, and whose stores are slow."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from enforcer.names import Digest
from tests.fakes.images import image
from tests.integration.attacks.bench import Bench, FakeTable, side_by_side
from tests.integration.attacks.fights import within

HOUR = 3600.0
SLOW = 1.5
"""Seconds after its event that a slow store writes a tag."""

SKEWS = {"behind-an-hour": -HOUR, "behind-seventy": -70.0, "ahead-seventy": 70.0, "ahead-an-hour": HOUR}
STEPS = {"set-back": -90.0, "set-forward": 90.0}
APART = {"apart-ninety": 90.0, "apart-three": 3.0}

TABLES: Mapping[str, FakeTable] = {
    **{name: FakeTable(skew=skew, delay=SLOW) for name, skew in SKEWS.items()},
    **{name: FakeTable(delay=SLOW) for name in STEPS},
    **{name: FakeTable(skew=skew) for name, skew in APART.items()},
}


@dataclass(frozen=True)
class Overwritten:
    """What became of a tag, and its digest and record at the end.

    `wrong` is for how long it was wrong, counted from the answer to the push, None if for good; `writing` is how long
    that answer took: from when on the tag was wrong within that time only the store knows.
    """

    tag: str
    original: Digest
    wrong: float | None
    writing: float
    served: Digest | None
    record: str | None


def overwrite(bench: Bench, name: str, count: int, *, stepped: float = 0.0, pause: float = 0.0) -> list[Overwritten]:
    """Push so many tags through the first process of a registry, and others over them through the last one.

    The clock is set by `stepped` seconds before; without a pause they are overwritten as soon as they are recorded.
    """
    fake, repository = bench.fakes[name], f"team/{name}"
    tags = [f"t{number}" for number in range(count)]
    content = bench.upload(repository, name, registry=name)
    bench.push(repository, "warm", content, at=fake.replicas[-1].url)
    originals = side_by_side(lambda tag: bench.push(repository, tag, image(name, label=tag), at=fake.url), tags)
    side_by_side(lambda tag: bench.wait_recorded(repository, tag, registry=name), tags)
    fake.replicas[0].skew += stepped
    time.sleep(pause)

    def overwritten(tag: str) -> tuple[float | None, float]:
        sent = time.monotonic()
        bench.push(repository, tag, image(name, label=f"other than {tag}"), at=fake.replicas[-1].url)
        began = time.monotonic()
        right = within(lambda: bench.served(repository, tag, registry=name) == originals[tags.index(tag)], 5)
        return time.monotonic() - began if right else None, began - sent

    wrong = side_by_side(overwritten, tags)
    time.sleep(0.5)  # what was put right has to stay so
    return [
        Overwritten(
            tag,
            original,
            *seconds,
            bench.served(repository, tag, registry=name),
            bench.record(repository, tag, registry=name),
        )
        for tag, original, seconds in zip(tags, originals, wrong, strict=True)
    ]


def overwrite_all(bench: Bench, count: int) -> dict[str, list[Overwritten]]:
    """That on every registry, all at once; of two processes the second clock is behind as the first is ahead."""
    for name, skew in APART.items():
        bench.fakes[name].replica(skew=-skew)
    for name in (*SKEWS, *STEPS):  # no exposure is so short that none at all would be nearly right
        bench.fakes[name].latency, bench.fakes[name].faulty = 1.5, frozenset({"PUT"})

    def one(name: str) -> list[Overwritten]:
        return overwrite(bench, name, count, stepped=STEPS.get(name, 0.0), pause=1.5 if name in APART else 0.0)

    return dict(zip(TABLES, side_by_side(one, list(TABLES)), strict=True))


def lost(outcomes: list[Overwritten]) -> list[Overwritten]:
    """Those that are not what they were, in the registry or in the records."""
    return [each for each in outcomes if each.wrong is None or {each.served, each.record} != {each.original}]


def untrue(bench: Bench, name: str, outcomes: list[Overwritten]) -> list[str]:
    """What people were told of it that is not so: "was in place", or another exposure than it had, by over a second."""
    told = []
    for each in outcomes:
        alerts = bench.alerts(f"team/{name}", each.tag, registry=name)
        told += [alert["text"] for alert in alerts if "in place" in alert["text"]]
        exposures = [alert["exposure_ms"] / 1000 for alert in alerts if alert.get("exposure_ms") is not None]
        if each.wrong is None or not exposures:
            told.append(f"{each.tag}: exposed for {exposures} s, was wrong for {each.wrong} s")
        elif not each.wrong - 1 < exposures[-1] < each.wrong + each.writing + 1:
            told.append(
                f"{each.tag}: exposed for {exposures} s, was wrong for {each.wrong}, written in {each.writing} s"
            )
    return told


def push_behind_a_cut(bench: Bench, name: str, seconds: float) -> tuple[Digest, Digest]:
    """The original through a process whose network is cut, another digest through the other, then the cut ends.

    Returns both. One more push through the first process shows that its events come with their usual delay again.
    """
    fake, repository = bench.fakes[name], f"team/{name}"
    cut = fake.replicas[1] if len(fake.replicas) > 1 else fake.replica()
    content = bench.upload(repository, name, registry=name)
    for number, replica in enumerate(fake.replicas):
        bench.push(repository, f"heard-of-{number}", content, at=replica.url)
        bench.wait_recorded(repository, f"heard-of-{number}", registry=name)
    cut.deliveries.block()
    original = bench.push(repository, "1.0", image(name, label="the original"), at=cut.url)
    time.sleep(seconds)
    other = bench.push(repository, "1.0", image(name, label="the other"), at=fake.url)
    bench.wait_recorded(repository, "1.0", registry=name)
    time.sleep(2)
    cut.deliveries.release()
    bench.push(repository, "after-the-cut", content, at=cut.url)
    return original, other


def pushed_to_harbor(repository: str, tag: str, digest: Digest, seconds: int) -> bytes:
    """Harbor's webhook of a push, which tells whole seconds."""
    resource = {"digest": digest, "tag": tag, "resource_url": f"harbor.invalid/{repository}:{tag}"}
    namespace, _, name = repository.partition("/")
    where = {"name": name, "namespace": namespace, "repo_full_name": repository, "repo_type": "private"}
    data = {"resources": [resource], "repository": where}
    return json.dumps({"type": "PUSH_ARTIFACT", "occur_at": seconds, "operator": "ci", "event_data": data}).encode()


def push_twice_in_a_second(bench: Bench, name: str, count: int) -> list[Overwritten]:
    """Two digests for each tag of a Harbor within one of its seconds, the one with the smaller digest last."""
    fake, repository = bench.fakes[name], f"team/{name}"
    bench.upload(repository, name, registry=name)

    def twice(tag: str) -> Overwritten:
        found = sorted((image(name, label=f"{tag}-{number}") for number in range(2)), key=Digest.of, reverse=True)
        second = int(time.time())
        for content in found:
            fake.storage.put_manifest(repository, tag, content)
            bench.post(name, pushed_to_harbor(repository, tag, Digest.of(content), second))
            time.sleep(0.2)
        original = Digest.of(found[0])
        began = time.monotonic()
        right = within(lambda: bench.served(repository, tag, registry=name) == original, 5)
        wrong = time.monotonic() - began if right else None
        record = bench.record(repository, tag, registry=name)
        return Overwritten(tag, original, wrong, 0.0, bench.served(repository, tag, registry=name), record)

    return side_by_side(twice, [f"t{number}" for number in range(count)])
