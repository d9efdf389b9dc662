"""Two clients of Harbor's API, unmodified, against the served application: harborapi and harbor-api-client."""

from __future__ import annotations

import asyncio

import harbor_client
import pytest
import requests
from harbor_client.rest import ApiException
from harborapi import HarborAsyncClient, HarborClient
from harborapi.exceptions import BadRequest, Conflict, Forbidden, NotFound, StatusError, Unauthorized
from harborapi.models import ImmutableRule, ImmutableSelector

from tests.integration.servers import start_redis
from tests.integration.serving import start_receiver

pytestmark = pytest.mark.integration

ACCOUNTS = """
[accounts.ops]
role = "admin"
password = "password-of-ops"
[accounts.eyes]
role = "viewer"
password = "password-of-eyes"
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The application with an administrator, a viewer, and up to 20 policies for a namespace."""
    directory = tmp_path_factory.mktemp("harbor")
    redis = start_redis(directory / "redis", appendonly=False)
    receiver = start_receiver(directory, redis.url, ACCOUNTS, top="policies_per_namespace = 20")
    yield receiver
    receiver.stop()
    redis.stop()


@pytest.fixture(autouse=True)
def _no_rules(served):
    """Each test begins without a rule."""
    for project in ("library", "team"):
        place = f"{served.url}/api/v2.0/projects/{project}/immutabletagrules"
        auth = ("ops", "password-of-ops")
        for rule in requests.get(place, params={"page_size": 100}, auth=auth, timeout=10).json():
            requests.delete(f"{place}/{rule['id']}", auth=auth, timeout=10).raise_for_status()


@pytest.fixture
def connect(served):
    """Makes harborapi's synchronous client for an account, and closes it in the end."""
    clients = []

    def make(name="ops", secret="password-of-ops"):
        client = HarborClient(url=f"{served.url}/api/v2.0", username=name, secret=secret, retry=None)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.loop.run_until_complete(client.client.aclose())
        client.loop.close()
        asyncio.set_event_loop(None)


@pytest.fixture
def harbor(connect):
    """The administrator's client."""
    return connect()


@pytest.fixture
def generated(served):
    """The client that is generated from Harbor's own description."""
    configuration = harbor_client.Configuration()
    configuration.host = f"{served.url}/api/v2.0"
    configuration.username, configuration.password = "ops", "password-of-ops"
    client = harbor_client.ApiClient(configuration)
    yield harbor_client.ImmutableApi(client)
    client.rest_client.pool_manager.clear()


def rule(tags="**", **fields):
    """A rule of harborapi's."""
    return ImmutableRule(
        tag_selectors=[ImmutableSelector(kind="doublestar", decoration="matches", pattern=tags)],
        scope_selectors={"repository": [ImmutableSelector(kind="doublestar", decoration="repoMatches", pattern="**")]},
        **fields,
    )


def refusal(error, call, *arguments):
    """The only error that the client reads out of the answer."""
    with pytest.raises(error) as raised:
        call(*arguments)
    (found,) = raised.value.errors
    assert found.message
    return found.code


def test_harborapi(harbor):
    """A rule's whole life, as harborapi sees it."""
    assert harbor.get_project_immutable_tag_rules("library") == []
    location = harbor.create_project_immutable_tag_rule("library", rule("v*", priority=2, action="immutable"))
    assert location.startswith("/api/v2.0/projects/library/immutabletagrules/")
    (found,) = harbor.get_project_immutable_tag_rules("library")
    assert found.id == int(location.rpartition("/")[2])
    assert (found.priority, found.disabled, found.template) == (2, False, "immutable_template")
    assert found.tag_selectors[0].pattern == "v*"
    for disabled in (True, False):
        found.disabled = disabled
        found.tag_selectors[0].pattern = "w*"
        harbor.update_project_immutable_tag_rule("library", found.id, found)
        assert harbor.get_project_immutable_tag_rules("library") == [found]
    harbor.delete_project_immutable_tag_rule("library", found.id)
    assert harbor.get_project_immutable_tag_rules("library") == []


def test_harborapi_by_number(harbor):
    """A number is a project's id to harborapi, which says so in a header."""
    number = harbor.get_project("team").project_id
    harbor.create_project_immutable_tag_rule(number, rule())
    assert len(harbor.get_project_immutable_tag_rules("team")) == 1
    assert harbor.get_project(number).name == "team"
    assert refusal(NotFound, harbor.get_project_immutable_tag_rules, str(number)) == "NOT_FOUND"


def test_harborapi_pages(harbor):
    """The client follows the links through all pages."""
    for number in range(7):
        harbor.create_project_immutable_tag_rule("library", rule(f"v{number}"))
    found = harbor.get_project_immutable_tag_rules("library", page_size=2, query="x=~y", sort="-id")
    assert [one.tag_selectors[0].pattern for one in found] == [f"v{number}" for number in range(7)]


def test_harborapi_projects(harbor):
    """Projects are listed, and found to be there or not."""
    assert [project.name for project in harbor.get_projects()] == ["library", "team"]
    assert harbor.project_exists("team")
    assert not harbor.project_exists("tea")


def test_harborapi_switch(served, harbor):
    """The call for the switch alone, which only the asynchronous client can send, switches and changes nothing else."""
    harbor.create_project_immutable_tag_rule("library", rule("v*", priority=3))
    (before,) = harbor.get_project_immutable_tag_rules("library")

    async def switch(enabled):
        client = HarborAsyncClient(url=f"{served.url}/api/v2.0", username="ops", secret="password-of-ops", retry=None)
        await client.enable_project_immutable_tagrule("library", before.id, enabled)
        await client.client.aclose()

    for enabled in (False, True):
        asyncio.run(switch(enabled))
        (found,) = harbor.get_project_immutable_tag_rules("library")
        assert found == before.model_copy(update={"disabled": not enabled})


def test_harborapi_errors(harbor, connect):
    """Each refusal is the client's own exception, with the code and the message that were sent."""
    harbor.create_project_immutable_tag_rule("library", rule())
    (found,) = harbor.get_project_immutable_tag_rules("library")
    for error, code, call, arguments in (
        (Conflict, "CONFLICT", harbor.create_project_immutable_tag_rule, ("library", rule())),
        (BadRequest, "BAD_REQUEST", harbor.create_project_immutable_tag_rule, ("library", rule("v!"))),
        (BadRequest, "BAD_REQUEST", harbor.create_project_immutable_tag_rule, ("library", ImmutableRule())),
        (BadRequest, "BAD_REQUEST", harbor.update_project_immutable_tag_rule, ("library", found.id, rule(id=4711))),
        (NotFound, "NOT_FOUND", harbor.update_project_immutable_tag_rule, ("library", 4711, rule())),
        (NotFound, "NOT_FOUND", harbor.update_project_immutable_tag_rule, ("team", found.id, rule())),
        (NotFound, "NOT_FOUND", harbor.delete_project_immutable_tag_rule, ("team", found.id)),
        (NotFound, "NOT_FOUND", harbor.get_project_immutable_tag_rules, ("nobody",)),
        (StatusError, "UNPROCESSABLE_ENTITY", harbor.get_project_immutable_tag_rules, ("library", None, None, 1, 101)),
        (Unauthorized, "UNAUTHORIZED", connect("ops", "wrong").get_project_immutable_tag_rules, ("library",)),
        (
            Forbidden,
            "FORBIDDEN",
            connect("eyes", "password-of-eyes").delete_project_immutable_tag_rule,
            ("library", found.id),
        ),
    ):
        assert refusal(error, call, *arguments) == code
    assert connect("eyes", "password-of-eyes").get_project_immutable_tag_rules("library") == [found]


def generated_rule(tags="**"):
    """A rule of harbor-api-client's."""
    selector = harbor_client.ImmutableSelector
    return harbor_client.ImmutableRule(
        tag_selectors=[selector(kind="doublestar", decoration="matches", pattern=tags)],
        scope_selectors={"repository": [selector(kind="doublestar", decoration="repoMatches", pattern="**")]},
    )


def test_generated_client(generated):
    """A rule's whole life: what was listed is sent back with null for what it does not have."""
    _, status, headers = generated.create_immu_rule_with_http_info("library", generated_rule("v*"))
    assert status == 201
    assert headers["Location"].startswith("/api/v2.0/projects/library/immutabletagrules/")
    (found,) = generated.list_immu_rules("library")
    assert found.params is None
    found.disabled = True
    found.tag_selectors[0].pattern = "w*"
    _, status, _ = generated.update_immu_rule_with_http_info("library", found.id, found)
    assert status == 200
    (changed,) = generated.list_immu_rules("library", x_is_resource_name=True)
    assert changed == found
    _, status, _ = generated.delete_immu_rule_with_http_info("library", found.id)
    assert status == 200
    assert generated.list_immu_rules("library") == []


def test_generated_client_pages(generated):
    """Pages and the number of all come as they were asked for."""
    for number in range(3):
        generated.create_immu_rule("library", generated_rule(f"v{number}"))
    found, _, headers = generated.list_immu_rules_with_http_info("library", page=2, page_size=2)
    assert [one.tag_selectors[0].pattern for one in found] == ["v2"]
    assert headers["X-Total-Count"] == "3"


def test_generated_client_errors(generated):
    """A refusal is the client's exception with Harbor's body."""
    generated.create_immu_rule("library", generated_rule())
    for status, code, call, arguments in (
        (409, "CONFLICT", generated.create_immu_rule, ("library", generated_rule())),
        (400, "BAD_REQUEST", generated.create_immu_rule, ("library", generated_rule("{a"))),
        (404, "NOT_FOUND", generated.delete_immu_rule, ("library", 4711)),
        (404, "NOT_FOUND", generated.list_immu_rules, ("nobody",)),
    ):
        with pytest.raises(ApiException) as raised:
            call(*arguments)
        assert raised.value.status == status
        assert f'"code": "{code}"' in raised.value.body
