"""The main job on a real registry: what is overwritten is put back, whatever fails in between."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import redis
import requests

from enforcer.store.log import Log
from tests.fakes.images import blobs_of, image
from tests.integration.installation import TOKEN, installation, wait_for
from tests.integration.servers import program, push_blob, push_image, push_manifest

pytestmark = pytest.mark.integration

CAPTURED = Path(__file__).parents[1] / "data" / "distribution_events"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """An installation for the tests that break nothing."""
    with installation(tmp_path_factory.mktemp("enforcement")) as whole:
        yield whole


@pytest.fixture
def fragile(tmp_path):
    """An installation of one's own, to break."""
    with installation(tmp_path) as whole:
        yield whole


def overwrite(whole, repository, tag, content):
    """Overwrite a tag; a 2.8 registry sometimes answers 500 while the tag is being written by somebody else."""
    for _ in range(20):
        try:
            push_manifest(whole.registry.url, repository, tag, content)
        except requests.HTTPError as error:
            if error.response.status_code < 500:
                raise
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"{repository}:{tag} could not be overwritten")


def prepare_overwrite(whole, repository, seed="evil"):
    """The manifest of other bits, whose blobs are in the repository."""
    for content in blobs_of(seed, 1):
        push_blob(whole.registry.url, repository, content)
    return image(seed, 1)


def push_tags(whole, repository, count):
    """Many tags, each with a manifest of its own, all recorded."""
    for content in blobs_of("original"):
        push_blob(whole.registry.url, repository, content)
    tags = [f"t{number}" for number in range(count)]
    originals = {tag: push_manifest(whole.registry.url, repository, tag, image("original", label=tag)) for tag in tags}
    whole.settle()
    return originals


def test_overwrite_with_skopeo_is_undone_and_told(running, tmp_path):
    """skopeo moves a protected tag: the original bytes are back, and the alert says who, what and how long."""
    original = push_image(running.registry.url, "team/app", "1.0.0", seed="original")
    push_image(running.registry.url, "elsewhere/app", "other", seed="other")
    running.settle()
    host = running.registry.url.removeprefix("http://")
    command = [program("skopeo"), "copy", "--src-tls-verify=false", "--dest-tls-verify=false"]
    subprocess.run(
        [*command, f"docker://{host}/elsewhere/app:other", f"docker://{host}/team/app:1.0.0"],
        check=True,
        capture_output=True,
        timeout=60,
    )
    begins, alert = wait_for(lambda: told if len(told := running.hook.of("team/app")) > 1 else [], what="its end")
    assert running.digest("team/app", "1.0.0") == original
    assert (begins["outcome"], alert["outcome"]) == ("open", "restored")
    assert alert["recorded_digest"] == original
    assert alert["pushed_digest"] not in (None, original)
    assert alert["user_agent"].startswith("skopeo")
    assert 0 <= alert["exposure_ms"] < 5000
    assert alert["address"].startswith("127.0.0.1")


def test_same_digest_and_excluded_tag_are_no_violations(running):
    """An identical re-push is quiet, and so is moving a tag that the policy excludes."""
    for _ in range(2):
        push_image(running.registry.url, "team/quiet", "1.0.0", seed="the same")
    push_image(running.registry.url, "team/quiet", "latest", seed="one")
    moved = push_image(running.registry.url, "team/quiet", "latest", seed="two")
    marker = push_tags(running, "team/marker", 1)
    overwrite(running, "team/marker", "t0", prepare_overwrite(running, "team/marker"))
    wait_for(lambda: running.hook.of("team/marker"), what="the alert of a later violation")
    wait_for(lambda: not running.wrong("team/marker", marker), what="the restore of a later violation")
    assert running.hook.of("team/quiet") == []
    assert running.digest("team/quiet", "latest") == moved


def test_hundred_in_a_row_and_hundred_side_by_side(running):
    """All of 200 overwrites are undone, stay so, and are told exactly once each, and once when they are over."""
    row, side = push_tags(running, "team/row", 100), push_tags(running, "team/side", 100)
    row_bits, side_bits = prepare_overwrite(running, "team/row"), prepare_overwrite(running, "team/side")
    for tag in row:
        overwrite(running, "team/row", tag, row_bits)
    with ThreadPoolExecutor(100) as pool:
        list(pool.map(lambda tag: overwrite(running, "team/side", tag, side_bits), side))
    finished = time.monotonic()
    for repository, originals in (("team/row", row), ("team/side", side)):
        wait_for(lambda r=repository, o=originals: not running.wrong(r, o), what=f"the restore of {repository}")
        wait_for(lambda r=repository: len(running.hook.of(r)) >= 200, seconds=60, what=f"the alerts of {repository}")
    time.sleep(max(0, finished + 15 - time.monotonic()))
    for repository, originals in (("team/row", row), ("team/side", side)):
        assert running.wrong(repository, originals) == []
        alerts = running.hook.of(repository)
        assert len(alerts) == 200
        assert {(alert["tag"], alert["outcome"]) for alert in alerts} == {
            (tag, outcome) for tag in originals for outcome in ("open", "restored")
        }


def test_overwrite_while_the_receiver_is_away(fragile):
    """What happens while nobody listens is undone when somebody does."""
    originals = push_tags(fragile, "team/app", 3)
    fragile.receiver.stop()
    bits = prepare_overwrite(fragile, "team/app")
    for tag in originals:
        overwrite(fragile, "team/app", tag, bits)
    assert len(fragile.wrong("team/app", originals)) == 3
    fragile.start_receiver()
    wait_for(lambda: not fragile.wrong("team/app", originals), seconds=60, what="the restore")
    wait_for(lambda: len(fragile.hook.of("team/app")) == 3, what="the alerts")


def test_redis_away(fragile):
    """Without Redis a notification is refused with 503, so that the registry keeps it; nothing is lost."""
    originals = push_tags(fragile, "team/app", 3)
    bits = prepare_overwrite(fragile, "team/app")
    fragile.redis.stop()
    body = json.dumps({"events": [captured("02_push_manifest_oci_by_tag")]}).encode()
    refused = fragile.post(body)
    assert refused.status_code == 503
    assert refused.headers["Content-Type"] == "application/json"
    for tag in originals:
        overwrite(fragile, "team/app", tag, bits)
    fragile.redis.start()
    wait_for(lambda: not fragile.wrong("team/app", originals), seconds=90, what="the restore")
    wait_for(lambda: len(fragile.hook.of("team/app")) == 3, seconds=60, what="the alerts")


def test_killed_in_the_middle_of_five_hundred(fragile):
    """kill -9 of all worker processes while 500 overwrites wait: new ones restore them all, each told once or more."""
    originals = push_tags(fragile, "team/app", 500)
    wait_for(lambda: len(store(fragile).keys("te:*:manifests")) > 0, what="kept manifests")
    bits = prepare_overwrite(fragile, "team/app")
    stop_processes(fragile, signal.SIGSTOP)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda tag: overwrite(fragile, "team/app", tag, bits), originals))
    wait_for(lambda: fragile.pending() == 0, seconds=60, what="the delivery of all events")
    stop_processes(fragile, signal.SIGCONT)
    wait_for(lambda: store(fragile).zcard("te:{violations}:times"), what="the first violations")
    stop_processes(fragile, signal.SIGKILL)
    assert fragile.wrong("team/app", originals), "they were killed too late to prove anything"
    fragile.start_workers()
    wait_for(lambda: not fragile.wrong("team/app", originals), seconds=120, what="the restore of all")
    # A push that 2.8 announced and then answered 500 is one violation more, and no fight more.
    expected = {(tag, outcome) for tag in originals for outcome in ("open", "restored")}
    wait_for(lambda: expected <= told(fragile, "team/app"), seconds=90, what="the alerts")


def told(whole, repository):
    """The tags and outcomes that people heard of."""
    return {(alert["tag"], alert["outcome"]) for alert in whole.hook.of(repository)}


def stop_processes(whole, number):
    """Send a signal to the workers' supervisor and every process below it."""
    parent = psutil.Process(whole.workers.pid)
    for process in [parent, *parent.children(recursive=True)]:
        process.send_signal(number)
    if number == signal.SIGKILL:
        whole.workers.kill()


def store(whole):
    """A connection to the installation's Redis."""
    return redis.Redis(port=whole.redis.port)


def captured(name, version="v2"):
    """One captured event."""
    text = (CAPTURED / version / f"{name}.json").read_text()
    return json.loads(text)["requests"][0]["envelope"]["events"][0]


def test_wrong_token_is_refused(running):
    """No token, a wrong one and an unknown registry all get 401."""
    assert running.post(b"{}", token="wrong").status_code == 401
    assert running.post(b"{}", token="").status_code == 401
    headers = {"Authorization": f"Bearer {TOKEN}"}
    unknown = requests.post(f"{running.url}/notifications/nowhere", headers=headers, timeout=5, data=b"{}")
    assert unknown.status_code == 401


def test_bodies_that_are_not_understood_become_dead_letters(running):
    """Whoever has the right token gets a 2xx, and what was sent can be found."""
    log = Log(store(running))
    missing_target = {
        "events": [{key: value for key, value in captured("02_push_manifest_oci_by_tag").items() if key != "target"}]
    }
    bodies = [
        b'{"events": [{"id": "trunc',
        b"[1, 2]",
        json.dumps(missing_target).encode(),
        b" " * (running.settings.notification_limit + 1),
        b"\xff\xfe",
    ]
    before = store(running).xlen("te:dead-letters")
    for body in bodies:
        assert running.post(body).status_code == 202
    letters = list(log.dead_letters(len(bodies)))
    assert store(running).xlen("te:dead-letters") - before == len(bodies)
    assert "target" in letters[2].reason
    assert "notification_limit" in letters[1].reason


def test_mutated_envelopes_never_stop_the_queue(running):
    """1,000 damaged envelopes: always 2xx, each judged, ignored or a dead letter; then real events pass as before."""
    chance = random.Random(20261122)
    envelopes = [
        json.dumps(request["envelope"])
        for path in sorted(CAPTURED.glob("*/*.json"))
        for request in json.loads(path.read_text())["requests"]
    ]
    session = requests.Session()
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    for _ in range(1000):
        body = mutated(chance.choice(envelopes).encode(), chance)
        answer = session.post(
            f"{running.url}/notifications/main", data=body, headers=headers, timeout=10, allow_redirects=False
        )
        assert answer.status_code == 202
    session.close()
    wait_for(lambda: running.waiting() == 0, what="the judging of what was readable")
    original = push_image(running.registry.url, "team/after", "1", seed="after the storm")
    running.settle()
    overwrite(running, "team/after", "1", prepare_overwrite(running, "team/after"))
    wait_for(lambda: running.hook.of("team/after"), what="the alert")
    wait_for(lambda: running.digest("team/after", "1") == original, what="the restore")


def mutated(body, chance):
    """The body with some bytes changed, cut out or doubled."""
    content = bytearray(body)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(content))
        match chance.randrange(4):
            case 0:
                content[at] = chance.randrange(256)
            case 1:
                del content[at : at + chance.randint(1, 30)]
            case 2:
                content[at:at] = content[at : at + chance.randint(1, 60)]
            case 3:
                content[at:at] = chance.choice([b"null", b"[]", b"-1", b'"', b"}", b"1e999", b"\\ud800"])
        if not content:
            break
    return bytes(content)
