"""What Tag Enforcer believes of a tag is right, whatever clients and operators do: on a real docker-registry 2.8.

The rows of what a registry announces, builds that push in parts, deletions, races, signatures and exceptions. What only
3.x can do is in test_captured_v3.py, slow stores in test_slow_store.py, lost content in test_collected_garbage.py.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from itertools import groupby

import pytest
import requests

from enforcer.manifests import ACCEPT, DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from enforcer.names import Digest
from tests.fakes.images import blob, blobs_of, image, index
from tests.integration.installation import installation, wait_for
from tests.integration.operator import ACCOUNT, Operator, is_ours, served
from tests.integration.servers import delete_blob, delete_manifest, program, push_blob, push_image, push_manifest

pytestmark = pytest.mark.integration

MORE = f"""
{ACCOUNT}
[[policies]]
registry = "main"
namespace = "every"
tags = {{ pattern = "**" }}
[[policies]]
registry = "main"
namespace = "signed"
tags = {{ pattern = "**" }}
signature_tags = true
[[policies]]
registry = "main"
namespace = "settling"
tags = {{ pattern = "**" }}
settle = 120
[[policies]]
registry = "main"
namespace = "guarded"
tags = {{ pattern = "**" }}
bypass_actors = ["release-robot"]
"""
ORIGINAL, OTHER = image("original"), image("other")
CHILDREN = image("amd64"), image("arm64")
INDEX = index(*CHILDREN)
SIGNATURE = f"sha256-{'a' * 64}.sig"
RACES = 200


@pytest.fixture(scope="module")
def operator(tmp_path_factory):
    """The operator of an installation that all tests share; each has a repository of its own."""
    with installation(tmp_path_factory.mktemp("truth"), MORE) as whole:
        operator = Operator(whole)
        operator.wait_until_idle()
        yield operator


@pytest.fixture
def url(operator):
    return operator.whole.registry.url


@pytest.fixture
def repository(request, url):
    """A repository of the test's own, which has all blobs that are needed."""
    namespace = getattr(request, "param", "team")
    repository = f"{namespace}/" + re.sub("[^a-z0-9]+", "-", request.node.name.removeprefix("test_")).strip("-")
    for seed in ("original", "other", "amd64", "arm64"):
        for content in blobs_of(seed):
            push_blob(url, repository, content)
    return repository


def push(url, repository, tag, content, media_type=OCI_MANIFEST, *, auth=None):
    """Push a manifest; 2.8 sometimes answers 500 while somebody else writes the same tag."""
    for _ in range(20):
        try:
            return push_manifest(url, repository, tag, content, media_type, auth=auth)
        except requests.HTTPError as error:
            if error.response.status_code < 500:
                raise
            time.sleep(0.05)
    raise AssertionError(f"{repository}:{tag} could not be pushed")


def push_index(url, repository, tag="1.0"):
    """Push an index as today's build tools do: its children by digest, then the index by tag."""
    for child in CHILDREN:
        push(url, repository, Digest.of(child), child)
    return push(url, repository, tag, INDEX, OCI_INDEX)


def is_there(url, repository, reference, content):
    """Whether the registry serves exactly these bytes."""
    return served(url, repository, reference) == content


def as_docker(content, media_type=DOCKER_MANIFEST):
    """The same image or index in Docker's own media types."""
    text = content.decode().replace(OCI_MANIFEST, DOCKER_MANIFEST).replace(OCI_INDEX, media_type)
    text = text.replace("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
    return text.replace(
        "application/vnd.oci.image.layer.v1.tar", "application/vnd.docker.image.rootfs.diff.tar"
    ).encode()


# What clients do, and what is decided of the tag 1.0 then: the rows of what 2.8 announces.


def upload_blob(url, repository):
    push_blob(url, repository, b"a blob")


def push_by_tag(url, repository):
    push(url, repository, "1.0", ORIGINAL)


def push_docker_image(url, repository):
    push(url, repository, "1.0", as_docker(ORIGINAL), DOCKER_MANIFEST)


def push_again(url, repository):
    for _ in range(2):
        push(url, repository, "1.0", ORIGINAL)


def overwrite(url, repository):
    for content in (ORIGINAL, OTHER):
        push(url, repository, "1.0", content)


def push_by_digest(url, repository):
    push(url, repository, Digest.of(ORIGINAL), ORIGINAL)


def pull(url, repository):
    push_by_tag(url, repository)
    for reference in ("1.0", Digest.of(ORIGINAL)):
        address = f"{url}/v2/{repository}/manifests/{reference}"
        for method in ("GET", "HEAD"):
            requests.request(method, address, headers={"Accept": ACCEPT}, timeout=10).raise_for_status()
    assert requests.get(address, timeout=10).status_code == 404  # it wants to hear of OCI
    for method in ("GET", "HEAD"):
        layer = Digest.of(blob("original", "layer-0"))
        requests.request(method, f"{url}/v2/{repository}/blobs/{layer}", timeout=10).raise_for_status()


def mount_blob(url, repository):
    mounted = {"mount": Digest.of(blob("original", "layer-0")), "from": repository}
    answer = requests.post(f"{url}/v2/{repository}-copy/blobs/uploads/", params=mounted, timeout=10)
    assert answer.status_code == 201


def push_index_by_tag(url, repository):
    push_index(url, repository)


def push_docker_list(url, repository):
    children = [as_docker(child) for child in CHILDREN]
    for child in children:
        push(url, repository, Digest.of(child), child, DOCKER_MANIFEST)
    push(url, repository, "1.0", as_docker(index(*children), DOCKER_LIST), DOCKER_LIST)


def push_artifact_with_subject(url, repository):
    push_by_tag(url, repository)
    subject = {"mediaType": OCI_MANIFEST, "digest": Digest.of(ORIGINAL), "size": len(ORIGINAL)}
    artifact = json.dumps(json.loads(OTHER) | {"subject": subject}).encode()
    push(url, repository, Digest.of(artifact), artifact)


def copy_with_skopeo(url, repository):
    push(url, f"{repository}", "source", ORIGINAL)
    place = f"docker://{url.removeprefix('http://')}/{repository}"
    command = [program("skopeo"), "copy", "--src-tls-verify=false", "--dest-tls-verify=false"]
    for _ in range(2):
        subprocess.run([*command, f"{place}:source", f"{place}:1.0"], check=True, capture_output=True, timeout=60)


def delete_by_tag(url, repository):
    push_by_tag(url, repository)
    assert requests.delete(f"{url}/v2/{repository}/manifests/1.0", timeout=10).status_code == 400  # 2.8 cannot


def delete_layer(url, repository):
    push_by_tag(url, repository)
    delete_blob(url, repository, Digest.of(blob("original", "layer-0")))


def push_what_is_refused(url, repository):
    for content, media_type in ((image("never uploaded"), OCI_MANIFEST), (ORIGINAL, DOCKER_MANIFEST)):
        with pytest.raises(requests.HTTPError, match="400"):
            push_manifest(url, repository, "1.0", content, media_type)


ROWS = [
    (upload_blob, []),
    (push_by_tag, ["recorded"]),
    (push_docker_image, ["recorded"]),
    (push_again, ["recorded", "unchanged"]),
    (overwrite, ["recorded", "overwritten", "restored"]),
    (push_by_digest, []),
    (pull, ["recorded"]),
    (mount_blob, []),
    (push_index_by_tag, ["recorded"]),
    (push_docker_list, ["recorded"]),
    (push_artifact_with_subject, ["recorded"]),
    (copy_with_skopeo, ["recorded", "unchanged"]),
    (delete_by_tag, ["recorded"]),
    (delete_layer, ["recorded"]),
    (push_what_is_refused, []),
]


@pytest.mark.parametrize(("done", "decided"), ROWS, ids=lambda value: getattr(value, "__name__", ""))
def test_row(operator, url, repository, done, decided):
    """What a client does ends as the rules say, in the history and in the registry."""
    done(url, repository)
    operator.whole.settle()
    # It puts again what it does not find in its place: how often does not matter.
    wait_for(lambda: unrepeated(operator.decisions(repository, "1.0")) == decided, what=f"{decided}")
    assert len(operator.states(repository)) == decided.count("overwritten")
    if decided:
        (recorded,) = {entry["recorded"] for entry in operator.history(repository, "1.0")}
        wait_for(lambda: operator.whole.digest(repository, "1.0") == recorded, what="the record in the registry")


def unrepeated(decisions):
    """The decisions, several of the same in a row as one."""
    return [decision for decision, _ in groupby(decisions)]


def test_who_pushed(operator, url, repository):
    """Who pushed, with what and from where is in the history."""
    push(url, repository, "1.0", ORIGINAL, auth=("alice", "secret"))
    operator.whole.settle()
    (entry,) = operator.history(repository, "1.0")
    assert (entry["actor"], entry["address"].partition(":")[0]) == ("alice", "127.0.0.1")
    assert entry["user_agent"].startswith("python-requests")


@pytest.mark.parametrize("repository", ["settling"], indirect=True)
def test_old_build_tools(operator, url, repository):
    """Two children by the final tag, then the index, which may settle: no violation; it is told, the record, stays."""
    first, _ = (push(url, repository, "1.0", child) for child in CHILDREN)
    digest = push(url, repository, "1.0", INDEX, OCI_INDEX)
    operator.whole.settle()
    operator.wait_until_idle()
    assert operator.recorded(repository) == {"1.0": digest}
    assert is_there(url, repository, "1.0", INDEX)
    assert operator.violations(repository) == []
    told = [alert for alert in operator.whole.hook.of(repository) if alert["kind"] == "superseded"]
    assert [(alert["recorded_digest"], alert["pushed_digest"]) for alert in told] == [(first, digest)]
    assert f"enforcer tag approve --registry main {repository}:1.0 {first} --reason" in told[0]["text"]
    assert [one for one in operator.decisions(repository, "1.0") if one not in ("restored", "unchanged")] == [
        "recorded",
        "part",
        "superseded",
    ]
    push(url, repository, "1.0", OTHER)
    wait_for(lambda: operator.states(repository) == ["open"], what="the violation of what is no part of it")


def test_an_index_over_the_first_child(operator, url, repository):
    """Where no policy lets tags settle, an index that lists the recorded child overwrites it, and the child is back."""
    child = push(url, repository, "1.0", CHILDREN[0])
    push(url, repository, Digest.of(CHILDREN[1]), CHILDREN[1])
    operator.whole.settle()
    digest = push(url, repository, "1.0", INDEX, OCI_INDEX)
    wait_for(lambda: operator.states(repository) == ["open"], what="the violation")
    wait_for(lambda: is_there(url, repository, "1.0", CHILDREN[0]), what="the restore")
    wait_for(lambda: operator.states(repository) == ["restored"], what="its end")
    (violation,) = operator.violations(repository)
    assert (violation["kind"], violation["recorded"], violation["pushed"]) == ("overwritten", child, digest)
    assert operator.recorded(repository) == {"1.0": child}


def test_a_deleted_digest_with_three_tags(operator, url, repository):
    """All tags of a deleted digest are back byte for byte, and each is told."""
    tags = ["1.0", "1.0.0", "stable"]
    for tag in tags:
        push(url, repository, tag, ORIGINAL)
    wait_until_kept(operator, repository, ORIGINAL)
    delete_manifest(url, repository, Digest.of(ORIGINAL))
    for tag in tags:
        wait_for(lambda tag=tag: is_there(url, repository, tag, ORIGINAL), what=f"the restore of {tag}")
    wait_for(lambda: len(operator.whole.hook.of(repository)) == 6, what="the alerts")
    for tag in tags:  # the registry tells of the digest, and then of each tag
        assert unrepeated(operator.decisions(repository, tag)) == ["recorded", "deleted", "unchanged", "restored"]
    told = {(alert["tag"], alert["kind"], alert["outcome"]) for alert in operator.whole.hook.of(repository)}
    assert told == {(tag, "deleted", outcome) for tag in tags for outcome in ("open", "restored")}


def test_a_deleted_child(operator, url, repository):
    """The child of a protected index is back byte for byte after it was deleted, though nobody names the index."""
    push_index(url, repository)
    wait_until_kept(operator, repository, INDEX, *CHILDREN)
    delete_manifest(url, repository, Digest.of(CHILDREN[1]))
    wait_for(lambda: is_there(url, repository, Digest.of(CHILDREN[1]), CHILDREN[1]), what="the child")
    # 2.8.2 answers no GET by a tag in the moment in which that is written again.
    wait_for(lambda: is_there(url, repository, "1.0", INDEX), what="the index")
    (violation,) = operator.violations(repository)
    assert (violation["tag"], violation["kind"], violation["recorded"]) == ("1.0", "deleted", Digest.of(INDEX))


def test_a_deleted_index_with_its_children(operator, url, repository):
    """Whoever deletes an index and then all its children has it put back, the children first."""
    push_index(url, repository)
    wait_until_kept(operator, repository, INDEX, *CHILDREN)
    operator.whole.workers.stop()  # else the index may be back before the children are deleted
    for content in (INDEX, *CHILDREN):
        delete_manifest(url, repository, Digest.of(content))
    operator.whole.start_workers()
    wait_for(lambda: is_there(url, repository, "1.0", INDEX), what="the index")
    for child in CHILDREN:
        assert is_there(url, repository, Digest.of(child), child)


def wait_until_kept(operator, repository, *contents):
    """Wait until all that a restore may need is kept."""
    key = f"te:{{main/{repository}}}:manifests"
    wanted = {Digest.of(content).encode() for content in contents}
    wait_for(lambda: wanted <= set(operator.store.hkeys(key)), what="the keeping of originals")


def test_two_clients_at_once(operator, url):
    """Of two pushes to one new tag at the same time the earlier one is the original, 200 times, and nothing flaps."""
    repository = "team/races"
    for seed in ("original", "other"):
        for content in blobs_of(seed):
            push_blob(url, repository, content)
    tags = [f"t{number}" for number in range(RACES)]
    start = threading.Barrier(2)

    def client(content):
        for tag in tags:
            start.wait()
            push(url, repository, tag, content)

    clients = [threading.Thread(target=client, args=(content,)) for content in (ORIGINAL, OTHER)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    operator.whole.settle()
    operator.wait_until_idle()
    histories = {tag: operator.history(repository, tag) for tag in tags}
    earliest = {tag: history[0]["digest"] for tag, history in histories.items()}
    assert set(earliest.values()) == {Digest.of(ORIGINAL), Digest.of(OTHER)}, "one client was always first: no race"
    assert operator.recorded(repository) == earliest
    for _ in range(3):
        assert operator.whole.wrong(repository, earliest) == []
    assert {tag: operator.history(repository, tag) for tag in tags} == histories
    for tag, history in histories.items():
        assert {entry["digest"] for entry in history if is_ours(entry)} == {earliest[tag]}
    wait_for(lambda: set(operator.states(repository)) == {"restored"}, what="the end of all violations")
    assert len(operator.violations(repository)) >= RACES


def test_signatures_are_overwritten_freely(operator, url):
    """Tools rewrite signatures by design: under a policy for every tag nobody minds, if it does not say otherwise."""
    for repository in ("every/app", "signed/app"):
        for seed in ("original", "other"):
            for content in blobs_of(seed):
                push_blob(url, repository, content)
        for tag in (SIGNATURE, "1.0"):
            for content in (ORIGINAL, OTHER):
                push(url, repository, tag, content)
                operator.whole.settle()
    for repository, tags in (("every/app", ["1.0"]), ("signed/app", ["1.0", SIGNATURE])):
        for tag in tags:
            wait_for(
                lambda r=repository, t=tag: is_there(url, r, t, ORIGINAL), what=f"the restore of {repository}:{tag}"
            )
        assert sorted(violation["tag"] for violation in operator.violations(repository)) == tags
    assert is_there(url, "every/app", SIGNATURE, OTHER)
    assert operator.decisions("every/app", SIGNATURE) == ["moved", "moved"]


def test_approvals(operator, url, repository):
    """An operator approves after the push and before it, by command and API; history, violations and audit tell."""
    push(url, repository, "1.0", ORIGINAL)
    operator.whole.settle()
    push(url, repository, "1.0", OTHER)
    wait_for(lambda: operator.decisions(repository, "1.0")[-1:] == ["restored"], what="the restore")
    reference = f"{repository}:1.0"
    told = operator.run("tag", "approve", reference, Digest.of(OTHER), "--registry", "main", "--reason", "the fix")
    assert "from now on" in told
    wait_for(lambda: is_there(url, repository, "1.0", OTHER), what="the approved digest")
    assert operator.recorded(repository) == {"1.0": Digest.of(OTHER)}
    assert operator.states(repository) == ["approved"]

    third = image("amd64")
    body = {"repository": repository, "tag": "1.0", "digest": Digest.of(third), "reason": "the next fix"}
    approval = operator.api("POST", "/registries/main/approvals", body)
    wait_for(
        lambda: operator.history(repository, "1.0")[-1]["id"] == approval["id"], what="the judging of the approval"
    )
    push(url, repository, "1.0", third)
    operator.whole.settle()
    push(url, repository, "1.0", ORIGINAL)
    wait_for(lambda: len(operator.states(repository)) == 2, what="the violation that nobody approved")
    wait_for(lambda: is_there(url, repository, "1.0", third), what="the restore of what was approved")

    kinds = ("recorded", "overwritten", "approved", "noted")
    found = [
        (one["decision"], one["reason"]) for one in operator.history(repository, "1.0") if one["decision"] in kinds
    ]
    assert found == [
        ("recorded", ""),
        ("overwritten", ""),
        ("approved", "the fix"),
        ("noted", "the next fix"),
        ("approved", ""),
        ("overwritten", ""),
    ]
    (first, second) = (entry for entry in operator.audit() if entry[2] in ("the fix", "the next fix"))
    assert (first[0], first[1][:4], second[:2]) == ("approved", "cli:", ("approved", "joan"))


def test_an_approval_while_the_registry_is_away(operator, url, repository):
    """What an operator approves while the registry does not answer becomes the record with the next sweep."""
    push(url, repository, "1.0", ORIGINAL)
    push(url, repository, Digest.of(OTHER), OTHER)
    operator.wait_until_idle()
    operator.whole.registry.stop()
    reference = f"{repository}:1.0"
    told = operator.run("tag", "approve", reference, Digest.of(OTHER), "--registry", "main", "--reason", "the fix")
    assert "once it does" in told
    operator.whole.registry.start()
    wait_for(lambda: sweeps(operator), what="a sweep that nobody else holds up")
    wait_for(lambda: is_there(url, repository, "1.0", OTHER), what="the approved digest")
    last = next(one for one in reversed(operator.history(repository, "1.0")) if one["decision"] == "approved")
    assert (last["action"], last["actor"][:4], last["reason"]) == ("adopt", "cli:", "the fix")
    assert operator.states(repository) == []


def sweeps(operator):
    """Sweep by hand; false while the workers' own sweep is at it."""
    return operator.try_to("sweep", "--registry", "main", "--namespace", "team", module="worker").returncode in (0, 3)


def test_unlock_and_lock(operator, url, repository):
    """While it is unlocked a tag is moved freely; locked by hand or by time, it is protected as it is then."""
    contents = {seed: image(seed) for seed in ("original", "other", "amd64", "arm64")}
    push(url, repository, "1.0", contents["original"])
    operator.whole.settle()
    reference = f"{repository}:1.0"
    operator.run("tag", "unlock", reference, "--for", "30m", "--registry", "main", "--reason", "migration")
    push(url, repository, "1.0", contents["other"])
    operator.whole.settle()
    operator.run("tag", "lock", reference, "--registry", "main", "--reason", "migrated")
    push(url, repository, "1.0", contents["amd64"])
    wait_for(lambda: "overwritten" in operator.decisions(repository, "1.0"), what="the violation")
    wait_for(lambda: is_there(url, repository, "1.0", contents["other"]), what="what it was when it was locked")

    body = {"repositories": repository, "tags": "1.*", "seconds": 2, "reason": "for two seconds"}
    unlock = operator.api("POST", "/registries/main/unlocks", body)
    push(url, repository, "1.0", contents["arm64"])
    operator.whole.settle()
    path = f"/registries/main/unlocks/{unlock['id']}"
    wait_for(lambda: operator.api("GET", path)["state"] == "ended", seconds=5, what="the end of the unlock")
    push(url, repository, "1.0", contents["original"])
    wait_for(lambda: len(operator.states(repository)) == 2, what="the second violation")
    wait_for(lambda: is_there(url, repository, "1.0", contents["arm64"]), what="what it was when the unlock ended")
    listed = [
        json.loads(line)
        for line in operator.run("violations", "--repository", repository, "--json", status=3).splitlines()
    ]
    assert [one["recorded"] for one in listed] == [Digest.of(contents[seed]) for seed in ("arm64", "other")]
    kinds = ("recorded", "overwritten", "moved")
    found = [one for one in operator.decisions(repository, "1.0") if one in kinds]
    assert found == ["recorded", "moved", "overwritten", "moved", "overwritten"]
    found = [(what, why) for what, _, why in operator.audit() if what in ("unlocked", "locked")]
    assert found == [("unlocked", "migration"), ("locked", "migrated"), ("unlocked", "for two seconds")]


def test_bypass_without_login(operator, url):
    """Where the registry asks for no credentials, a client that calls itself a bypass actor moves nothing."""
    for seed in ("original", "other"):
        push_image(url, "guarded/app", seed, seed=seed)
    push(url, "guarded/app", "1.0", ORIGINAL, auth=("ci", "x"))
    operator.whole.settle()
    push(url, "guarded/app", "1.0", OTHER, auth=("release-robot", "x"))
    wait_for(lambda: operator.states("guarded/app"), what="the violation")
    wait_for(lambda: is_there(url, "guarded/app", "1.0", ORIGINAL), what="the restore")
    (violation,) = operator.violations("guarded/app")
    assert (violation["actor"], violation["recorded"]) == ("release-robot", Digest.of(ORIGINAL))
    found = [(entry["decision"], entry["bypassed"]) for entry in operator.history("guarded/app", "1.0")]
    assert found[:2] == [("recorded", []), ("overwritten", [])]
