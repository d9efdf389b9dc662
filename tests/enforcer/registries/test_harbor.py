from __future__ import annotations

import pytest

from enforcer.errors import RegistryDenied, RegistryRefused, RegistryUnavailable
from enforcer.names import Namespace, RegistryName
from enforcer.registries.endpoint import RegistryEndpoint
from enforcer.registries.harbor import PAGE, Done, HarborWebhooks
from tests.fakes.harbor_server import FakeHarbor
from tests.fakes.registry import FakeRegistry

LIBRARY = Namespace("library")
WEBHOOK = {
    "name": "tag-enforcer",
    "enabled": True,
    "event_types": ["PUSH_ARTIFACT", "DELETE_ARTIFACT"],
    "targets": [{"type": "http", "address": "http://127.0.0.1:1/notifications/main", "auth_header": "Bearer x"}],
}


@pytest.fixture
def harbor():
    with FakeHarbor("http://127.0.0.1:1") as harbor:
        yield harbor


def webhooks_of(url, username="enforcer", password="swordfish"):
    access = RegistryEndpoint(name=RegistryName("main"), url=url, username=username, password=password)
    return HarborWebhooks(access)


def test_created_once(harbor):
    """A webhook that is missing is made; the second time nothing is left to do."""
    with webhooks_of(harbor.url) as webhooks:
        assert [webhooks.ensure(LIBRARY, WEBHOOK) for _ in range(2)] == [Done.CREATED, Done.UNCHANGED]
    (made,) = harbor.webhooks["library"]
    assert made.items() >= WEBHOOK.items()


@pytest.mark.parametrize(
    "other",
    [
        {"enabled": False},
        {"event_types": ["PUSH_ARTIFACT"]},
        {"event_types": None},
        {"targets": []},
        {"targets": None},
        {"targets": [WEBHOOK["targets"][0] | {"auth_header": "Bearer old"}]},
        {"targets": [WEBHOOK["targets"][0], WEBHOOK["targets"][0]]},
    ],
)
def test_changed_to_what_it_must_be(harbor, other):
    """A webhook of that name that says something else is changed, and keeps its number."""
    harbor.webhooks["library"] = [WEBHOOK | other | {"id": 7}]
    with webhooks_of(harbor.url) as webhooks:
        assert webhooks.ensure(LIBRARY, WEBHOOK) is Done.CHANGED
        assert webhooks.ensure(LIBRARY, WEBHOOK) is Done.UNCHANGED
    (changed,) = harbor.webhooks["library"]
    assert (changed["id"], {name: changed[name] for name in WEBHOOK}) == (7, WEBHOOK)


def test_what_harbor_adds_is_no_difference(harbor):
    """Harbor tells more of a webhook than it was given, and the events in an order of its own."""
    told = WEBHOOK | {"event_types": WEBHOOK["event_types"][::-1], "id": 3, "creator": "admin"}
    harbor.webhooks["library"] = [told | {"targets": [WEBHOOK["targets"][0] | {"skip_cert_verify": False}]}]
    with webhooks_of(harbor.url) as webhooks:
        assert webhooks.ensure(LIBRARY, WEBHOOK) is Done.UNCHANGED


def test_others_stay(harbor):
    """Webhooks of other names are left alone, and ours is found behind any number of them."""
    others = [WEBHOOK | {"name": f"other-{number}", "id": number} for number in range(PAGE + 1)]
    harbor.webhooks["library"] = [*others, WEBHOOK | {"enabled": False, "id": 999}]
    with webhooks_of(harbor.url) as webhooks:
        assert webhooks.ensure(LIBRARY, WEBHOOK) is Done.CHANGED
    assert harbor.webhooks["library"][:-1] == others
    assert harbor.webhooks["library"][-1]["enabled"] is True


def test_who_is_no_admin(harbor):
    """Harbor's refusal says which project and account it is about."""
    with (
        webhooks_of(harbor.url, "ci", "ci") as webhooks,
        pytest.raises(RegistryDenied, match="project library in main"),
    ):
        webhooks.ensure(LIBRARY, WEBHOOK)
    with webhooks_of(harbor.url, "ci", "wrong") as webhooks, pytest.raises(RegistryDenied, match="username, password"):
        webhooks.ensure(LIBRARY, WEBHOOK)


@pytest.mark.parametrize(
    "body", [b"<html>", b"{}", b"null", b"[" * 100_000, b'[{"name": "tag-enforcer", "id": "../1"}]']
)
def test_no_harbor(body):
    """What answers with anything but a list is no Harbor."""
    with FakeRegistry() as registry, webhooks_of(registry.url) as webhooks:
        registry.fail_with(200, body=body)
        with pytest.raises(RegistryRefused, match="no Harbor"):
            webhooks.ensure(LIBRARY, WEBHOOK)


def test_a_harbor_that_is_away():
    """A Harbor that does not answer may do so later."""
    with FakeHarbor("http://127.0.0.1:1") as harbor:
        url = harbor.url
    with webhooks_of(url) as webhooks, pytest.raises(RegistryUnavailable, match="no answer"):
        webhooks.ensure(LIBRARY, WEBHOOK)
