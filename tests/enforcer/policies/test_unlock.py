from __future__ import annotations

import json

import pytest

from enforcer.errors import InvalidName, InvalidPattern, NotFound
from enforcer.names import Repository, Tag
from enforcer.policies.unlock import LONGEST, Unlock
from enforcer.store.audit import Audit
from enforcer.store.policies import PolicyStore
from enforcer.store.unlocks import FORGOTTEN
from enforcer.times import Time
from tests.fakes.events import APP, MAIN
from tests.fakes.stores import stores

NOW = Time("2026-11-22T04:00:00.750000000Z")
TAG = Tag("1.0")


@pytest.fixture
def store(redis):
    return PolicyStore(redis)


def unlock(text="team/app:1.0", seconds=60, reason="repair", now=None):
    return Unlock.parse(MAIN, text, seconds=seconds, now=now or Time.now(), by="ops", reason=reason)


def test_from_now_until_its_end():
    """It covers a tag from now until so many seconds later, and not the moment of its end."""
    made = unlock(seconds=60, now=NOW)
    covered = {seconds: made.covers(APP, TAG, NOW.plus(seconds)) for seconds in (0, 59.999, 60, 61)}
    assert covered == {0: True, 59.999: True, 60: False, 61: False}
    assert made.is_in_force(NOW)
    assert not made.is_in_force(NOW.plus(60))


def test_whole_seconds():
    """A registry that tells whole seconds seems to say that what is pushed now was pushed a little earlier."""
    made = unlock(now=NOW)
    assert made.covers(APP, TAG, Time("2026-11-22T04:00:00Z"))
    assert not made.covers(APP, TAG, Time("2026-11-22T03:59:59.999999999Z"))


@pytest.mark.parametrize(
    ("text", "repository", "tag", "covered"),
    [
        ("team/app:1.0", "team/app", "1.0", True),
        ("team/app:1.0", "team/app", "1.0.1", False),
        ("team/app:1.0", "team/apps", "1.0", False),
        ("app:1.0", "team/app", "1.0", False),
        ("app:1.0", "app", "1.0", True),
        ("team/*:1.*", "team/app", "1.2", True),
        ("team/*:1.*", "team/app/web", "1.2", False),
        ("team/**:{1.*,latest}", "team/app/web", "latest", True),
        ("**:**", "team/app", "sha256-" + "a" * 64 + ".sig", True),
    ],
)
def test_what_it_covers(text, repository, tag, covered):
    """Both parts are names or patterns, which hold for the whole name; the repository has its namespace."""
    made = unlock(text)
    assert made.covers(Repository(repository), Tag(tag), Time.now()) is covered
    assert made.reference == text


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("team/app", InvalidName, "write repository:tag"),
        ("", InvalidName, "write repository:tag"),
        (":1.0", InvalidPattern, "empty"),
        ("team/app:", InvalidPattern, "empty"),
        ("team/app:{1.0", InvalidPattern, "{"),
        ("te am/app:1.0", InvalidPattern, " "),
        ("a:b:c", InvalidPattern, ":"),
    ],
)
def test_what_is_no_tag(text, error, told):
    """A text that is neither a name nor a pattern of both parts is refused."""
    with pytest.raises(error, match=told):
        unlock(text)


@pytest.mark.parametrize("seconds", [0, -1, LONGEST + 1, float("inf"), float("nan")])
def test_how_long(seconds):
    """It lasts for some time, up to a week."""
    with pytest.raises(InvalidName, match="up to 7 days"):
        unlock(seconds=seconds)


def test_for_a_week():
    """A week is the longest."""
    assert unlock(seconds=LONGEST, now=NOW).ends == NOW.plus(7 * 86_400)


def test_as_json():
    """What is written can be read again."""
    made = unlock("team/*:{1.*,2.*}", now=NOW)
    assert Unlock.from_dict(json.loads(json.dumps(made.as_dict()))) == made


def test_ended():
    """It can end earlier, never later."""
    made = unlock(seconds=60, now=NOW)
    assert made.ended(NOW.plus(10)).ends == NOW.plus(10)
    assert made.ended(NOW.plus(100)) == made


def test_stored(redis, store):
    """Each has an id of its own, is known to every reader at once, and to the audit with its reason."""
    other = PolicyStore(redis)
    assert other.current().unlocks == ()
    first, second = stores(redis).unlocks.unlock(unlock()), stores(redis).unlocks.unlock(unlock("team/*:2.*"))
    assert first.id != second.id
    assert sorted(other.current().unlocks, key=lambda one: one.id) == [first, second]
    latest = next(Audit(redis).newest())
    assert (latest.what, latest.by, latest.reason) == ("unlocked", "ops", "repair")
    assert (latest.before, latest.after) == (None, second.as_dict())


def test_locked(redis, store):
    """One that is ended early does not cover what comes later, and still covers what came before."""
    made = stores(redis).unlocks.unlock(unlock())
    during = Time.now()
    ended = stores(redis).unlocks.lock(made.id, "joan", "done")
    (known,) = PolicyStore(redis).current().unlocks
    assert known == ended
    assert ended.covers(APP, TAG, during)
    assert not ended.covers(APP, TAG, Time.now())
    latest = next(Audit(redis).newest())
    assert (latest.what, latest.by, latest.reason) == ("locked", "joan", "done")
    assert (latest.before, latest.after) == (made.as_dict(), ended.as_dict())


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("team/app:1.0", "main/team"),
        ("team/**:**", "main/team"),
        ("app:1.0", "main/_"),
        ("**:1.0", "main"),
        ("*:1.0", "main"),
        ("{a,b}/app:1.0", "main"),
        ("t?am/app:1.0", "main"),
    ],
)
def test_place(text, place):
    """All that an unlock concerns is in one namespace, or anywhere where that is a pattern."""
    assert unlock(text).place == place


def test_no_such_unlock(redis):
    """What is not unlocked cannot be locked."""
    with pytest.raises(NotFound, match="no unlock 7"):
        stores(redis).unlocks.lock(7, "joan")


def test_forgotten(redis, store):
    """One that ended long ago goes when another is made; events of its time are not judged any more."""
    past = Time.now().plus(-FORGOTTEN - 3600)
    old = stores(redis).unlocks.unlock(unlock(seconds=60, now=past))
    young = stores(redis).unlocks.unlock(unlock("team/app:2.0", seconds=7200, now=past))
    new = stores(redis).unlocks.unlock(unlock("team/app:3.0"))
    known = PolicyStore(redis).current().unlocks
    assert {one.id for one in known} == {young.id, new.id}
    assert old not in known
