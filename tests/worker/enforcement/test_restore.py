from __future__ import annotations

import json
from dataclasses import replace

import pytest

from enforcer.errors import BlobsMissing
from enforcer.events import Action
from enforcer.judgement.violation import State
from enforcer.manifests import OCI_INDEX, digest_of
from enforcer.names import Digest
from enforcer.policies.unlock import Unlock
from enforcer.store.wakeups import Task
from enforcer.times import Time
from tests.fakes.events import APP, MAIN, NAME, deletion, push
from tests.fakes.images import SCHEMA_1, blobs_of, image, index, schema_1
from tests.fakes.settings import registry_table, settings
from tests.fakes.violations import violation
from worker.breaker import PATIENCE
from worker.context import Context
from worker.enforcement.progress import Progress
from worker.enforcement.restore import EXPECTANCY, LONG_AGO, LOOKS
from worker.judging.drain import drain
from worker.judging.enforcement_requests import EnforcementRequests

ORIGINAL, OTHER, THIRD = image("original"), image("other"), image("third")


def test_put_at_once_without_looking(scene):
    """The first thing that a restore asks of a registry is to take the recorded manifest."""
    original = scene.record()
    scene.overwrite()
    assert scene.step() == 1
    assert scene.methods == ["PUT"]
    assert scene.digest == original


def test_the_put_comes_before_the_overwrite(scene):
    """An overwrite that lands after the first PUT is put back at the first look."""
    original = scene.record()
    scene.announce(OTHER)
    scene.step()
    scene.registry.put_manifest(APP, NAME.tag, OTHER)
    scene.next_step()
    assert scene.methods == ["HEAD", "PUT"]
    assert scene.digest == original


def test_looks_for_ten_seconds(scene):
    """The tag is looked at seven times in the ten seconds after the PUT, and last by its bytes."""
    scene.record()
    scene.overwrite()
    scene.step()
    begin = scene.clock.now
    looks = []
    while len(scene.context.restores):
        scene.next_step()
        looks.append((round(scene.clock.now - begin, 3), scene.methods))
    assert looks == [*((seconds, ["HEAD"]) for seconds in (0.05, 0.5, 2, 4, 6, 8)), (10, ["GET"])]


def test_waiting_occupies_no_worker(scene):
    """Between its looks a restore is nobody's: nothing is due until it is time."""
    scene.record()
    scene.overwrite()
    scene.step()
    scene.clock.advance(0.049)
    assert scene.step() == 0


@pytest.mark.parametrize("looks", range(len(LOOKS)))
def test_overwritten_between_the_looks(scene, looks):
    """Wherever between the looks the tag is changed without an event, the next look puts it back; they begin anew."""
    original = scene.record()
    scene.overwrite()
    for _ in range(1 + looks):
        scene.next_step()
    scene.registry.put_manifest(APP, NAME.tag, OTHER)
    scene.next_step()
    assert (scene.methods[-1], scene.digest) == ("PUT", original)
    assert scene.next_step() == LOOKS[0]


@pytest.fixture
def expecting(scene):
    """A tag whose overwrite was just put back, and which an operator lets become `THIRD`."""
    scene.record()
    scene.overwrite()
    scene.step()
    approval = push("approval", Digest.of(THIRD), scene.now(), actor="ops")
    scene.tell(replace(approval, action=Action.APPROVE))
    scene.registry.put_manifest(APP, NAME.tag, THIRD)
    return scene


def test_approved_beforehand_and_not_announced_yet(expecting):
    """A look does not overwrite what it finds approved: its event is on its way, and makes it the record."""
    expecting.next_step()
    assert expecting.methods == ["HEAD"]
    expecting.tell(push("third", Digest.of(THIRD), expecting.now()))
    expecting.finish()
    assert expecting.digest == Digest.of(THIRD)
    assert [each.state for each in expecting.context.violations.newest()] == [State.RESTORED]


def test_approved_beforehand_and_never_announced(expecting):
    """Its event is awaited for ten seconds; then it is put back as any other digest, until somebody pushes it again."""
    waited = 0.0
    while expecting.digest == Digest.of(THIRD):
        waited += expecting.next_step()
        assert waited <= LOOKS[0] + EXPECTANCY
    assert waited == LOOKS[0] + EXPECTANCY
    expecting.finish()
    assert expecting.digest == Digest.of(ORIGINAL)


@pytest.mark.parametrize("wrong", ["other bytes", "gone"])
def test_wrong_at_the_last_look(scene, wrong):
    """What is wrong at the last look is put back, and looking begins anew until it held at all seven."""
    original = scene.record()
    before = scene.overwrite()
    for _ in LOOKS:
        scene.next_step()
    if wrong == "gone":
        scene.registry.delete_manifest(APP, NAME.tag)
    else:
        scene.registry.put_manifest(APP, NAME.tag, OTHER)
    scene.next_step()
    assert (scene.methods, scene.digest) == (["GET", "PUT"], original)
    assert scene.violation(before).state is State.OPEN
    assert [scene.next_step() for _ in LOOKS] == [0.05, 0.45, 1.5, 2, 2, 2, 2]
    assert scene.violation(before).state is State.RESTORED


def test_a_deleted_tag_is_put_back(scene):
    """A tag that somebody deleted comes back like one that was overwritten."""
    original = scene.record()
    before = scene.delete()
    scene.finish()
    assert scene.digest == original
    assert scene.violation(before).state is State.RESTORED


def test_exposure_lasts_until_the_put_that_held(scene):
    """The exposure is from the time of the event to our answer, and half the time until a look found the tag wrong."""
    scene.record()
    before = scene.announce()
    scene.clock.advance(0.25)
    scene.step()
    scene.next_step()
    scene.registry.put_manifest(APP, NAME.tag, OTHER)
    scene.next_step()
    scene.finish()
    after = scene.violation(before)
    assert (after.state, after.exposure, after.restores) == (State.RESTORED, 250 + 225, 2)
    assert after.closed is not None


def test_exposure_is_never_negative(scene):
    """A registry whose clock is ahead of ours makes no nonsense."""
    scene.record()
    scene.clock.advance(10)
    before = scene.overwrite()
    scene.clock.advance(-5)
    scene.context.restores.add([(str(NAME), "")])
    scene.step()
    scene.finish()
    assert scene.violation(before).exposure == 0


def test_people_are_told_at_once_and_when_it_is_over(scene):
    """One alert goes out as soon as the overwrite is judged, one when the tag was right for ten seconds."""
    scene.record()
    before = scene.overwrite()
    (begins,) = scene.alerts()
    assert (begins.details["violation"], begins.details["outcome"]) == (before.id, "open")
    for _ in LOOKS:
        scene.next_step()
    assert (scene.told(), scene.violation(before).state) == ([], State.OPEN)
    scene.finish()
    (ends,) = scene.alerts()
    assert (ends.details["violation"], ends.details["outcome"]) == (before.id, "restored")


def test_what_may_be_a_build_is_told_late(scene):
    """People hear of a change by the client that made the tag a moment ago only when it was no step of its build."""
    scene.let_settle()
    scene.record()
    before = scene.overwrite(actor="ci")
    assert before.doubtful
    scene.step()
    scene.next_step()
    scene.next_step()
    assert scene.told() == []
    scene.finish()
    assert scene.told() == ["restored"]


def test_what_may_be_a_build_is_told_late_in_a_fight_too(scene):
    """A change that nobody heard of yet is not forgotten when the next one comes."""
    scene.let_settle()
    scene.record()
    first = scene.overwrite(actor="ci")
    scene.next_step()
    scene.next_step()
    scene.clock.advance(2)
    second = scene.overwrite(THIRD, actor="ci")
    scene.step()
    scene.finish()
    (alert,) = scene.alerts()
    assert (alert.details["outcome"], alert.details["pushes"]) == ("restored", 2)
    assert {scene.violation(each).state for each in (first, second)} == {State.RESTORED}


def test_long_ago_and_in_place(scene):
    """What happened long ago is on its way no more: a look comes first, and may be all that is needed."""
    original = scene.record()
    before = replace(violation(), recorded=original, time=Time.now().plus(-LONG_AGO - 1))
    scene.context.violations.open([before])
    EnforcementRequests.of(scene.context).restore_later([NAME], look_first=True)
    assert (scene.step(), scene.methods) == (1, ["HEAD"])
    assert scene.violation(before).state is State.IN_PLACE
    assert (scene.told(), len(scene.context.restores)) == (["already in place"], 0)


def test_long_ago_and_not_in_place(scene):
    """What happened long ago and is still wrong is put back like anything else."""
    original = scene.record()
    before = replace(violation(), recorded=original, time=Time.now().plus(-LONG_AGO - 1))
    scene.context.violations.open([before])
    EnforcementRequests.of(scene.context).restore_later([NAME], look_first=True)
    scene.registry.put_manifest(APP, NAME.tag, OTHER)
    assert (scene.step(), scene.methods) == (1, ["HEAD", "PUT"])
    scene.finish()
    assert scene.violation(before).state is State.RESTORED


def test_an_observed_violation_is_not_restored(make_context, registry, clock, scene):
    """Under an observing policy nothing is put back, and people are told once."""
    scene.context.policies.apply_settings(())
    make_context(policies=[{**scene.context.settings.policies[0].model_dump(mode="json"), "mode": "observe"}])
    scene.record()
    before = scene.overwrite()
    assert before.state is State.OBSERVED
    assert (scene.step(), scene.digest) == (0, Digest.of(OTHER))
    assert scene.told() == ["observed"]


def test_ten_overwrites_are_one_restore(scene):
    """What is changed ten times before a worker comes is put back once, and closes all ten violations."""
    original = scene.record()
    for number in range(10):
        scene.overwrite(image(f"other {number}"))
    scene.step()
    assert scene.methods == ["PUT"]
    scene.finish()
    found = list(scene.context.violations.newest())
    assert [each.state for each in found] == [State.RESTORED] * 10
    assert (scene.digest, scene.told()) == (original, ["open", "restored"])


def test_changed_again_after_it_was_restored(scene):
    """A new overwrite is answered at once; what had held until then keeps its exposure and is over."""
    original = scene.record()
    first = scene.overwrite()
    scene.clock.advance(0.1)
    scene.step()
    scene.next_step()
    scene.clock.advance(5)
    second = scene.overwrite(THIRD)
    scene.clock.advance(0.2)
    scene.step()
    assert (scene.methods, scene.digest) == (["PUT"], original)
    assert (scene.violation(first).state, scene.violation(first).exposure) == (State.RESTORED, 100)
    scene.finish()
    after = scene.violation(second)
    assert (after.state, after.exposure, after.restores) == (State.RESTORED, 200, 2)
    assert scene.violation(first).exposure == 100
    begins, ends = scene.alerts()
    assert (begins.details["outcome"], ends.details["outcome"], ends.details["exposure_ms"]) == (
        "open",
        "restored",
        300,
    )


def test_changed_again_before_the_first_look(scene):
    """An overwrite right after a PUT is answered at once."""
    original = scene.record()
    scene.overwrite()
    scene.step()
    scene.clock.advance(0.01)
    scene.overwrite(THIRD)
    assert (scene.step(), scene.methods, scene.digest) == (1, ["PUT"], original)


def test_no_back_off_in_a_fight(scene):
    """The hundredth overwrite is answered like the first: waiting would help only the one who overwrites."""
    original = scene.record()
    for number in range(100):
        scene.overwrite(image(f"other {number % 3}"))
        assert (scene.step(), scene.methods, scene.digest) == (1, ["PUT"], original)


def test_people_hear_of_a_fight(scene):
    """Of a hundred overwrites by one client: when it begins, when our third answer was undone, and when it is over."""
    scene.record()
    for number in range(100):
        scene.overwrite(image(f"other {number % 3}"))
        scene.clock.advance(0.1)
        scene.step()
    scene.finish()
    begins, worse, ends = scene.alerts()
    assert [each.severity for each in (begins, worse, ends)] == ["warning", "critical", "warning"]
    assert "a client that claims to be mallory" in worse.text
    assert "take these credentials away" in worse.text
    assert (ends.details["pushes"], ends.details["exposure_ms"]) == (100, 10_000)
    assert "changed 100 times" in ends.text
    violations = list(scene.context.violations.newest())
    assert {(each.state, each.exposure) for each in violations} == {(State.RESTORED, 100)}


def test_each_further_actor_is_told(scene):
    """Of five by name; more are counted."""
    scene.record()
    for number in range(7):
        scene.overwrite(image(f"other {number}"), actor=f"mallory-{number}")
    scene.step()
    scene.finish()
    *told, ends = scene.alerts()
    assert [alert.details["actor"] for alert in told] == [f"mallory-{number}" for number in range(5)]
    assert "others (2 times)" in ends.text


def test_a_fight_that_begins_again_is_the_same(scene):
    """One that starts within ten minutes of its end is not told anew, nor its end so soon again."""
    scene.record()
    for expected in (["open", "restored"], []):
        scene.overwrite()
        scene.step()
        scene.finish()
        assert scene.told() == expected


def test_people_are_not_drowned_by_a_fight_without_events(scene):
    """A tag that is wrong at look after look, without an event, is told of when it begins, worsens and ends."""
    scene.record()
    before = scene.overwrite()
    scene.step()
    for _ in range(19):
        scene.next_step()
        scene.registry.put_manifest(APP, NAME.tag, OTHER)
        scene.next_step()
    scene.finish()
    assert scene.violation(before).restores == 20
    assert scene.told() == ["open", "fought over", "restored"]


class Meanwhile:
    """A registry client during whose next request something happens."""

    def __init__(self, client, happens) -> None:
        self._client = client
        self._happens = happens

    def __getattr__(self, name: str):
        def call(*arguments):
            answer = getattr(self._client, name)(*arguments)
            self._happens, happens = (lambda: None), self._happens
            happens()
            return answer

        return call


def meanwhile(scene, happens) -> None:
    """Have something happen during the next request."""
    scene.context.registries[MAIN] = Meanwhile(scene.context.registries[MAIN], happens)


@pytest.mark.parametrize("look", range(len(LOOKS)))
def test_changed_again_during_a_look(scene, look):
    """A violation that is opened while the tag still looks right is not closed by that look: its own PUT comes."""
    original = scene.record()
    first = scene.overwrite()
    for _ in range(1 + look):
        scene.next_step()
    found = []
    meanwhile(scene, lambda: found.append(scene.announce(THIRD)))
    scene.next_step()
    (second,) = found
    assert (scene.methods[-1], scene.violation(second).state) == ("PUT", State.OPEN)
    scene.registry.put_manifest(APP, NAME.tag, THIRD)
    scene.next_step()
    assert (scene.methods, scene.digest) == (["HEAD", "PUT"], original)
    scene.finish()
    assert scene.violation(first).state is State.RESTORED
    assert scene.violation(second).state is State.RESTORED


def test_changed_again_during_the_put(scene):
    """A request that comes while we put is answered with a PUT of its own, as soon as that one has returned."""
    original = scene.record()
    scene.overwrite()
    meanwhile(scene, lambda: scene.overwrite(THIRD))
    scene.step()
    assert (scene.methods, scene.digest) == (["PUT", "PUT"], original)


def test_one_tag_is_restored_by_one_worker(scene, make_context):
    """While one worker has a tag no other gets it, however often it is asked for."""
    scene.record()
    scene.overwrite()
    other = make_context()
    claims = []

    def ask() -> None:
        other.restores.add([(str(NAME), "")])
        claims.extend(other.restores.claim(10))

    meanwhile(scene, ask)
    assert scene.step() == 1
    assert claims == []


def test_a_worker_that_dies_half_way(scene):
    """What a dead worker began is begun again when its lease has run out: one more PUT, and no harm."""
    original = scene.record()
    before = scene.overwrite()
    (claim,) = scene.context.restores.claim(1)
    scene.clock.advance(61)
    assert scene.step() == 1
    assert scene.methods == ["PUT"]
    scene.finish()
    assert (claim.key, scene.digest) == (str(NAME), original)
    assert scene.violation(before).state is State.RESTORED


def test_a_worker_that_dies_behind_its_put(scene):
    """What a dead worker had put back is restored and told as such, however late another worker comes to it."""
    original = scene.record()
    before = scene.overwrite()
    (_,) = scene.context.restores.claim(1)
    scene.registry.put_manifest(APP, NAME.tag, ORIGINAL)
    scene.clock.advance(90)
    scene.step()
    scene.finish()
    assert scene.digest == original
    assert scene.violation(before).state is State.RESTORED


def test_the_same_event_again_asks_for_nothing(scene):
    """An event that its registry repeats does not count as another overwrite, neither during a restore nor after."""
    scene.record()
    scene.overwrite()
    scene.step()
    ((_, fields),) = scene.context.redis.xrevrange("te:{log}", count=1)
    for _ in range(3):
        scene.context.redis.xadd("te:{log}", fields)
        drain(scene.context)
    assert scene.context.restores.generation(str(NAME)) == 1
    scene.finish()
    scene.context.redis.xadd("te:{log}", fields)
    drain(scene.context)
    assert len(scene.context.restores) == 0


def test_unauthorized(scene):
    """Credentials that do not serve are told at once, once; when they are repaired the tag is put back."""
    scene.record()
    before = scene.overwrite()
    scene.registry.basic = ("enforcer", "another")
    scene.step()
    assert scene.methods == ["PUT"]
    for _ in range(5):
        scene.next_step()
    _, alert = scene.alerts()
    assert (alert.details["outcome"], alert.severity) == ("failing", "critical")
    assert "401" in alert.details["problem"]
    scene.registry.basic = None
    scene.finish()
    assert (scene.violation(before).state, scene.told()) == (State.RESTORED, ["restored"])


def test_locked_by_the_registry_itself(scene):
    """A registry with an immutability rule of its own is told at once, with what to change."""
    scene.record()
    scene.overwrite()
    scene.registry.fail_with(412, body=b'{"errors": [{"code": "PRECONDITION", "message": "immutable"}]}')
    scene.step()
    _, alert = scene.alerts()
    assert "remove that rule, or leave the tag out of it" in alert.text
    scene.finish()
    assert scene.told() == ["restored"]


@pytest.mark.parametrize("status", [405, 429, 503])
def test_retry_after_is_heeded(scene, status):
    """A registry that asks for patience is given it, and not complained about at once."""
    original = scene.record()
    scene.overwrite()
    scene.registry.fail_with(status, {"Retry-After": "7"})
    scene.step()
    assert scene.next_step() == 7
    assert (scene.digest, scene.told()) == (original, ["open"])


def test_patience_has_an_end(scene):
    """A registry that asks for minutes is asked again after ten seconds: a tag is wrong meanwhile."""
    scene.record()
    scene.overwrite()
    scene.registry.fail_with(503, {"Retry-After": "300"})
    scene.step()
    assert scene.next_step() == 10


def test_tries_grow_rare(scene):
    """A registry that is away is asked again after 1, 2, 4, 8, and then each 10 seconds, and never given up."""
    scene.record()
    scene.overwrite()
    scene.registry.fail_with(503, times=100)
    scene.step()
    assert [scene.next_step() for _ in range(7)] == [1, 2, 4, 8, 10, 10, 10]


@pytest.mark.parametrize("status", [500, 502, 504])
def test_an_error_about_one_tag(scene, status):
    """What may be about the tag alone is tried again at once, and then after up to five seconds."""
    original = scene.record()
    scene.overwrite()
    scene.registry.fail_with(status, times=8)
    scene.step()
    assert [scene.next_step() for _ in range(8)] == [0, 1, 2, 3, 4, 5, 5, 5]
    assert scene.digest == original


def test_unreachable_for_a_minute(scene):
    """People are told once of a registry that is away for a minute, and once more when it answers again."""
    original = scene.record()
    before = scene.overwrite()
    assert scene.told() == ["open"]
    scene.registry.fail_with(503, times=10)
    begin = scene.clock.now
    scene.step()
    while not (alerts := scene.alerts()):
        assert scene.clock.now - begin < 2 * PATIENCE
        scene.next_step()
    assert scene.clock.now - begin >= PATIENCE
    assert [(alert.kind, alert.severity) for alert in alerts] == [("health", "critical")]
    scene.finish()
    back, ends = scene.alerts()
    assert (scene.digest, back.kind, ends.details["outcome"]) == (original, "health", "restored")
    assert scene.violation(before).problem == ""


def test_away_again_after_it_came_back(scene):
    """The minute begins anew with each success."""
    original = scene.record()
    scene.overwrite()
    scene.registry.fail_with(503, times=6)
    for _ in range(7):
        scene.next_step()
    assert scene.digest == original
    scene.registry.fail_with(503, times=6)
    for _ in range(6):
        scene.next_step()
    assert scene.told() == ["open"]


def test_another_violation_while_it_fails(scene):
    """Who overwrites a tag that cannot be restored is told of as well, not only who did it first."""
    scene.record()
    first = scene.overwrite()
    scene.registry.basic = ("enforcer", "another")
    scene.step()
    second = scene.overwrite(THIRD, actor="trudy")
    for _ in range(3):
        scene.next_step()
    told = [(alert.details["violation"], alert.details["outcome"]) for alert in scene.alerts()]
    assert told == [(first.id, "open"), (first.id, "failing"), (second.id, "open")]


def test_a_registry_that_nobody_listens_at(scene):
    """A refused connection is a registry that is away."""
    scene.record()
    scene.overwrite()
    scene.registry.stop()
    scene.step()
    assert scene.told() == ["open"]
    assert len(scene.context.restores) == 1


def test_blobs_are_gone(scene):
    """A manifest whose layers are gone cannot be put back: people are told which, and nobody tries on."""
    scene.record()
    before = scene.overwrite()
    lost = [Digest.of(blob) for blob in blobs_of("original")]
    scene.registry.blobs = {Digest.of(blob) for blob in blobs_of("other")}
    scene.step()
    after = scene.violation(before)
    assert after.state is State.NOT_RESTORABLE
    assert after.problem == f"the registry has lost {', '.join(lost)}"
    _, alert = scene.alerts()
    assert (alert.severity, alert.details["outcome"]) == ("critical", "not restorable")
    assert all(digest in alert.text for digest in lost)
    assert len(scene.context.restores) == 0


def test_blobs_come_back(scene):
    """What could not be restored is told no more at each sweep, and put back once its layers are there again."""
    original = scene.record()
    before = scene.overwrite()
    scene.registry.blobs = set()
    for _ in range(3):
        scene.context.restores.add([(str(NAME), "")])
        scene.step()
    assert scene.told() == ["open", "not restorable"]
    scene.registry.blobs = None
    scene.context.restores.add([(str(NAME), "")])
    scene.step()
    scene.finish()
    (alert,) = scene.alerts()
    assert (alert.details["outcome"], alert.severity) == ("restored", "warning")
    assert (scene.violation(before).state, scene.digest) == (State.RESTORED, original)


def test_the_manifest_is_gone_and_not_kept(scene):
    """Without kept bytes and without the registry's own there is nothing to put back."""
    original = scene.record(kept=False)
    before = scene.overwrite()
    scene.registry.delete_manifest(APP, original)
    scene.step()
    assert scene.violation(before).state is State.NOT_RESTORABLE
    assert "404" in scene.violation(before).problem


def test_a_violation_that_is_opened_after_giving_up(scene):
    """A restore that is quicker than the opening of its violation comes back for it."""
    scene.record()
    scene.overwrite()
    (before,) = scene.context.violations.get_open(NAME)
    scene.context.redis.delete("te:{violations}:open")
    scene.registry.blobs = set()
    scene.step()
    assert (scene.told(), len(scene.context.restores)) == (["open"], 1)
    scene.context.redis.zadd("te:{violations}:open", {f"{NAME} {before.id}": 0})
    scene.next_step()
    assert (scene.told(), len(scene.context.restores)) == (["not restorable"], 0)


def test_nothing_to_say_and_nothing_to_put(scene):
    """A restore that nobody has a violation for ends, too."""
    scene.record()
    scene.context.restores.add([(str(NAME), "")])
    scene.registry.blobs = set()
    scene.step()
    scene.next_step()
    assert len(scene.context.restores) == 0


def test_a_manifest_that_is_not_kept_is_read_by_digest(scene):
    """Without kept bytes the registry's own under the digest are put back, and kept from then on."""
    original = scene.record(kept=False)
    scene.overwrite()
    scene.step()
    assert scene.registry.requests == [
        ("GET", f"/v2/{APP}/manifests/{original}"),
        ("PUT", f"/v2/{APP}/manifests/{NAME.tag}"),
    ]
    assert scene.digest == original
    assert scene.context.ledger.keeps(MAIN, APP, original)


def test_kept_bytes_that_rotted(scene):
    """Kept bytes that are not what they were are not put back; the registry's own are."""
    original = scene.record()
    scene.context.redis.hset(f"te:{{{MAIN}/{APP}}}:manifests", original, b"application/json\nrotten")
    scene.overwrite()
    scene.step()
    assert (scene.methods, scene.digest) == (["GET", "PUT"], original)


CHILDREN = [image("amd64"), image("arm64")]
INDEX = index(*CHILDREN)


def push_children(scene) -> list[Digest]:
    return [scene.registry.put_manifest(APP, None, child) for child in CHILDREN]


def test_children_are_put_back_first(scene):
    """An index whose children were collected with it comes back with them: children first, then the index."""
    children = push_children(scene)
    scene.record(INDEX)
    scene.overwrite()
    for child in children:
        scene.registry.delete_manifest(APP, child)
    scene.step()
    assert scene.registry.requests == [
        ("PUT", f"/v2/{APP}/manifests/{NAME.tag}"),
        *[("PUT", f"/v2/{APP}/manifests/{child}") for child in children],
        ("PUT", f"/v2/{APP}/manifests/{NAME.tag}"),
    ]
    assert scene.digest == Digest.of(INDEX)
    scene.finish()
    assert scene.told() == ["open", "restored"]


def test_indexes_of_indexes(scene):
    """Children that are indexes themselves come back with theirs."""
    children = push_children(scene)
    inner = scene.registry.put_manifest(APP, None, INDEX, OCI_INDEX)
    outer = index(INDEX)
    scene.record(outer)
    scene.overwrite()
    for digest in [*children, inner]:
        scene.registry.delete_manifest(APP, digest)
    scene.step()
    assert scene.digest == Digest.of(outer)
    assert set(scene.registry.manifests[APP]) >= {*children, inner}


def test_a_child_of_a_child_is_put_back(scene):
    """A registry takes the outer index though its innermost manifest is gone: that is put back all the same."""
    children = push_children(scene)
    scene.registry.put_manifest(APP, None, INDEX, OCI_INDEX)
    scene.record(index(INDEX))
    scene.registry.delete_manifest(APP, children[1])
    scene.tell(deletion("child-gone", scene.now(), tag=None, digest=children[1]))
    scene.step()
    assert children[1] in scene.registry.manifests[APP]


def test_a_child_that_is_not_kept(scene):
    """A child that nobody has any more makes its index not restorable, and is named."""
    children = push_children(scene)
    scene.record(INDEX)
    before = scene.overwrite()
    for child in children:
        scene.registry.delete_manifest(APP, child)
    scene.context.redis.hdel(f"te:{{{MAIN}/{APP}}}:manifests", children[1])
    scene.step()
    assert scene.violation(before).problem == f"the registry has lost {children[1]}"


def test_lost_without_saying_what(scene):
    """A registry that does not say which blobs it misses is quoted as it is."""
    scene.record()
    before = scene.overwrite()
    scene.registry.fail_with(400, body=b'{"errors": [{"code": "MANIFEST_BLOB_UNKNOWN", "message": "blob unknown"}]}')
    scene.step()
    assert "MANIFEST_BLOB_UNKNOWN" in scene.violation(before).problem
    assert BlobsMissing("", ()).digests == ()


def test_no_record_any_more(scene):
    """A tag that has no record, as one that was deleted when nothing protected it, is left alone."""
    scene.context.restores.add([(str(NAME), "")])
    assert scene.step() == 1
    scene.next_step()  # its violation might have been opened just then
    assert (scene.methods, len(scene.context.restores)) == ([], 0)


def test_a_registry_that_is_not_configured_here(scene, registry):
    """What is to be restored in a registry that another host knows is left to that host."""
    scene.record()
    before = scene.overwrite()
    other = Context(
        settings(registries={"other": registry_table(registry.url)}), scene.context.redis, consumer="host-2"
    )
    assert (other.restores.claim(10), len(other.restores)) == ([], 0)
    scene.finish()
    assert scene.violation(before).state is State.RESTORED


def test_the_record_as_it_is_now(scene):
    """A restore is told a tag, not what to do: it puts what is recorded when it runs."""
    scene.record()
    scene.overwrite()
    state = scene.context.ledger.state(NAME)
    third = scene.registry.put_manifest(APP, None, THIRD)
    changed = replace(state.record, digest=third)
    key = f"te:{{{MAIN}/{APP}}}:tags"
    scene.context.redis.hset(key, NAME.tag, f"9 {replace(state, record=changed, version=9).to_json()}")
    scene.step()
    assert scene.digest == third


def test_a_violation_wakes_a_restore(scene):
    """The job is on its way as soon as the violation is known."""
    scene.record()
    scene.overwrite()
    assert scene.context.queues.of(Task.RESTORE).count == 1


def test_a_tag_deleted_twice_over(scene):
    """The deletion of a digest is announced once more for its tag: that is one violation, restored once."""
    original = scene.record()
    scene.registry.delete_manifest(APP, original)
    now = scene.now()
    scene.tell(deletion("a", now, tag=None, digest=original), deletion("b", now))
    scene.finish()
    (only,) = scene.context.violations.newest()
    assert (only.state, only.restores, scene.digest) == (State.RESTORED, 1, original)


def test_progress_survives_its_way_through_redis():
    """Progress is written and read as it was; an item that is new has none."""
    progress = Progress(answered=3, answered_at=1.5, put=2.5, puts=4, look=2, seen=3.5, wrong=0.5, failures=1)
    assert Progress.read(progress.written()) == progress
    assert json.loads(progress.written())["puts"] == 4
    assert Progress.read("") == Progress()


def test_a_tag_that_is_not_protected_any_more_is_left_alone(scene):
    """Who unlocks a tag, or removes its policy, wants no restore that is still going on to undo what comes then."""
    scene.record()
    before = scene.overwrite()
    unlock(scene)

    scene.step()

    assert scene.methods == []
    assert scene.digest == before.pushed
    assert scene.violation(before).state is State.RELEASED
    assert scene.told() == ["open", "released"]
    scene.finish()
    assert scene.digest == before.pushed


def test_what_is_opened_while_others_are_released_is_released_as_well(scene):
    """A violation is asked for before it is opened: the step in between releases others, and must not be the last."""
    scene.record()
    before = scene.overwrite()
    unlock(scene)
    scene.step()
    other, late = violation(1), violation(2)
    scene.context.violations.open([other])
    scene.context.restores.add([(str(NAME), "")])
    scene.step()

    scene.context.violations.open([late])

    scene.finish()
    assert {scene.violation(each).state for each in (before, other, late)} == {State.RELEASED}


def unlock(scene):
    """An operator unlocks the tag for ten minutes."""
    wanted = Unlock.parse(NAME.registry, NAME.reference, seconds=600, now=Time.now(), by="ops", reason="a repair")
    scene.context.stores.unlocks.unlock(wanted)


def test_schema_1_is_put_back(scene):
    """A manifest of schema 1 goes back with its signatures, byte for byte."""
    content, _ = schema_1(APP)
    scene.record(content, media_type=SCHEMA_1)
    scene.overwrite()
    scene.finish()
    assert scene.digest == digest_of(content)
    assert scene.registry.manifests[APP][scene.digest][1] == content
