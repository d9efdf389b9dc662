"""The calls of the Harbor API: what they do to policies, and what they say of them."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

import pytest

from enforcer.names import Namespace, RegistryName
from enforcer.policies.patterns import Pattern
from enforcer.policies.policy import Against, Mode, Policy, Selector
from enforcer.times import Time
from enforcer.web.accounts import FAILED_LOGINS
from enforcer.web.app import create_app
from tests.fakes.harbor import ACCOUNTS, REGISTRIES, HarborCaller
from tests.fakes.rules import rule, selector
from tests.fakes.settings import registry_table, settings

RULES = "/library/immutabletagrules"


def created(harbor, body=None, project="library"):
    """Create a rule; returns its id, which only the header says."""
    answer = harbor("POST", f"/{project}/immutabletagrules", body or rule())
    assert (answer.status_code, answer.data) == (201, b"")
    place, _, number = answer.headers["Location"].rpartition("/")
    assert place == f"/api/v2.0/projects/{project}/immutabletagrules"
    return int(number)


def listed(harbor, query="", project="library"):
    answer = harbor("GET", f"/{project}/immutabletagrules{query}")
    assert answer.status_code == 200
    return answer.get_json()


def policy(**fields):
    """A policy as another API may have made it."""
    everything = Pattern.parse("**")
    made = {"repositories": Selector("repoMatches", everything), "tags": Selector("excludes", everything)}
    place = {"registry": RegistryName("main"), "namespace": Namespace("library")}
    return Policy(**{"id": 0, "effective_since": Time.now(), **place, **made, **fields})


def test_create_and_list(harbor, here):
    """A rule is listed with every field, and is a policy by the name of the account."""
    assert listed(harbor) == []
    rule_id = created(harbor, rule("v*", "{repo1, repo2}", priority=3, params={"latestPushedK": 1}))
    assert listed(harbor) == [
        {
            "id": rule_id,
            "priority": 3,
            "disabled": False,
            "action": "immutable",
            "template": "immutable_template",
            "tag_selectors": [selector("matches", "v*", extras="")],
            "scope_selectors": {"repository": [selector("repoMatches", "{repo1, repo2}", extras="")]},
        }
    ]
    (stored,) = here.stores.policies.current()
    assert (stored.registry, stored.namespace, stored.origin, stored.mode) == ("main", "library", "", Mode.ENFORCE)
    (entry,) = here.stores.audit.newest()
    assert (entry.what, entry.by) == ("policy created", "ops")


def test_create_as_harbor_cli_does(harbor):
    """Kind, action and template may be left out."""
    created(
        harbor,
        {
            "tag_selectors": [{"decoration": "excludes", "pattern": "latest"}],
            "scope_selectors": {"repository": [{"decoration": "repoExcludes", "pattern": "tmp/**"}]},
        },
    )
    (found,) = listed(harbor)
    assert found["tag_selectors"] == [selector("excludes", "latest", extras="")]
    assert (found["action"], found["template"]) == ("immutable", "immutable_template")


def test_create_is_always_enabled(harbor):
    """As in Harbor, `disabled` counts only in an update, and the id is not the client's to choose."""
    created(harbor, rule(disabled=True, id=4711))
    (found,) = listed(harbor)
    assert found["disabled"] is False
    assert found["id"] != 4711


@pytest.mark.parametrize("nulls", [{}, {"params": None, "extras": None, "priority": None}])
def test_sent_back_as_listed(harbor, here, nulls):
    """What was listed can be changed and sent back, with null for what it does not have."""
    rule_id = created(harbor)
    (found,) = listed(harbor)
    changed = found | nulls | {"disabled": True, "tag_selectors": [selector("excludes", "latest", extras=None)]}
    answer = harbor("PUT", f"{RULES}/{rule_id}", changed)
    assert (answer.status_code, answer.data) == (200, b"")
    (found,) = listed(harbor)
    assert found["disabled"] is True
    assert found["tag_selectors"] == [selector("excludes", "latest", extras="")]


def test_update_replaces_what_harbor_shows(harbor, here):
    """What is left out of an update takes its default; what Harbor does not know of stays."""
    ours = {
        "mode": Mode.OBSERVE,
        "protect": frozenset({Against.DELETE}),
        "signature_tags": True,
        "settle": 7,
        "bypass_actors": frozenset({"robot"}),
        "comment": "why",
        "action": "",
    }
    before = here.stores.policies.create(policy(disabled=True, priority=9, **ours), "ops")
    assert harbor("PUT", f"{RULES}/{before.id}", rule("v*", "app", id=before.id)).status_code == 200
    after = here.stores.policies.current().get(before.id)
    assert {name: getattr(after, name) for name in ours} == ours
    assert (after.disabled, after.priority, after.namespace) == (False, 0, "library")
    assert (after.tags.pattern.text, after.repositories.pattern.text) == ("v*", "app")


def test_switch(harbor, here):
    """A body without selectors is the switch alone, with the rule's id or without."""
    rule_id = created(harbor, rule("v*", priority=3))
    since = here.stores.policies.current().get(rule_id).effective_since
    (before,) = listed(harbor)
    for body, disabled in (
        ({"disabled": True}, True),
        ({"disabled": False}, False),
        ({"disabled": True, "id": rule_id, "priority": 9, "tag_selectors": None, "scope_selectors": None}, True),
        ({"id": rule_id}, False),
    ):
        assert harbor("PUT", f"{RULES}/{rule_id}", body).status_code == 200
        assert listed(harbor) == [before | {"disabled": disabled}]
    assert here.stores.policies.current().get(rule_id).effective_since > since


def test_switch_and_change_at_once(harbor):
    """With selectors all of the body counts, also if it switches: else Terraform would never settle."""
    rule_id = created(harbor)
    assert harbor("PUT", f"{RULES}/{rule_id}", rule("v*", disabled=True)).status_code == 200
    (found,) = listed(harbor)
    assert (found["disabled"], found["tag_selectors"][0]["pattern"]) == (True, "v*")


def test_rule_of_swr(harbor, here):
    """SWR's synonym for tags is shown in Harbor's word, and is left as it is by an update that says the same."""
    everything = Pattern.parse("**")
    before = here.stores.policies.create(policy(tags=Selector("repoMatches", everything)), "ops")
    (found,) = listed(harbor)
    assert found["tag_selectors"][0]["decoration"] == "matches"
    assert harbor("PUT", f"{RULES}/{before.id}", found | {"priority": 5}).status_code == 200
    after = here.stores.policies.current().get(before.id)
    assert after == replace(before, priority=5, revision=2)


def test_delete(harbor, here):
    """A deleted rule is gone; deleting it again says so. Some clients send an object along."""
    for body in (None, {}):
        rule_id = created(harbor)
        answer = harbor("DELETE", f"{RULES}/{rule_id}", body)
        assert (answer.status_code, answer.data) == (200, b"")
        assert list(here.stores.policies.current()) == []
        assert harbor.error("DELETE", f"{RULES}/{rule_id}")[:2] == (404, "NOT_FOUND")


def test_pages(harbor):
    """Pages come by id, with the number of all and paths to those beside it."""
    ids = [created(harbor, rule(f"v{number}*")) for number in range(5)]
    path = "/api/v2.0/projects/library/immutabletagrules"
    previous = f'<{path}?page=1&page_size=2>; rel="prev"'
    following = f'<{path}?page=3&page_size=2>; rel="next"'
    for query, found, link in (
        ("", ids, None),
        ("?page=1&page_size=2", ids[:2], f'<{path}?page=2&page_size=2>; rel="next"'),
        ("?page=2&page_size=2", ids[2:4], f"{previous} , {following}"),
        ("?page=3&page_size=2", ids[4:], f'<{path}?page=2&page_size=2>; rel="prev"'),
        ("?page_size=5", ids, None),
        ("?page=2&page_size=5", [], f'<{path}?page=1&page_size=5>; rel="prev"'),
        ("?page=9&page_size=2", [], None),
        ("?q=id%3D1&sort=-id&page_size=4", ids[:4], f'<{path}?page=2&page_size=4&q=id%3D1&sort=-id>; rel="next"'),
    ):
        answer = harbor("GET", f"{RULES}{query}")
        assert [one["id"] for one in answer.get_json()] == found, query
        assert answer.headers["X-Total-Count"] == "5"
        assert answer.headers.get("Link") == link


def test_default_page(redis):
    """Without a size a page has ten rules, and its link says so."""
    made = settings(registries=REGISTRIES, accounts=ACCOUNTS, policies_per_namespace=20)
    harbor = HarborCaller(create_app(made, redis).test_client())
    for number in range(11):
        created(harbor, rule(f"v{number}"))
    assert len(listed(harbor)) == 10
    assert len(listed(harbor, "?page=2")) == 1
    assert len(listed(harbor, "?page_size=100")) == 11


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("page_size=101", "page_size: should be from 1 to 100, got 101"),
        ("page_size=0", "page_size: should be from 1 to 100, got 0"),
        ("page_size=-1", "page_size: should be from 1 to 100, got -1"),
        ("page_size=ten", "page_size: should be an integer, got 'ten'"),
        ("page=0", "page: should be from 1"),
        ("page=", "page: should be an integer, got ''"),
        (f"page={'9' * 5000}", "page: should be an integer"),
    ],
)
def test_broken_paging(harbor, query, text):
    """A page that cannot be is refused, and the text names what is wrong with it."""
    status, code, message = harbor.error("GET", f"{RULES}?{query}")
    assert (status, code) == (422, "UNPROCESSABLE_ENTITY")
    assert text in message


def test_link_holds_no_line_of_its_own(harbor):
    """What somebody puts into the query cannot end the header."""
    for number in range(2):
        created(harbor, rule(f"v{number}"))
    answer = harbor("GET", f"{RULES}?page_size=1&q=%0d%0aX-Evil:%201%3E")
    assert "X-Evil" not in answer.headers
    assert "q=%0D%0AX-Evil%3A+1%3E>; rel" in answer.headers["Link"]


def test_name_or_number(harbor, here):
    """A project goes by its name or its number; the location repeats what was asked for."""
    number = here.stores.namespaces.get("main", "library").id
    rule_id = created(harbor, project=str(number))
    assert [one["id"] for one in listed(harbor)] == [rule_id]
    assert harbor("GET", f"/{number}/immutabletagrules", X_Is_Resource_Name="false").status_code == 200
    error = harbor.error("GET", f"/{number}/immutabletagrules", X_Is_Resource_Name="true")
    assert error == (404, "NOT_FOUND", f"project {number} not found")


def test_name_that_reads_as_a_number(redis, harbor, here):
    """Such a project is found by its name only if the client says that it is one."""
    redis.sadd("te:namespaces:seen:main", "4711")
    assert harbor.error("GET", "/4711/immutabletagrules")[0] == 404
    assert harbor("GET", "/4711/immutabletagrules", X_Is_Resource_Name="True").status_code == 200


def test_registry_of_the_projects(redis):
    """With several registries the projects are those of the first Harbor, else of the first."""
    tables = {name: registry_table(f"http://127.0.0.1:{port}") for name, port in (("one", 1), ("two", 2), ("three", 3))}
    for kinds, chosen in ((("distribution", "distribution"), "one"), (("harbor", "harbor"), "two")):
        for name, kind in zip(("two", "three"), kinds, strict=True):
            tables[name] |= {"kind": kind, "namespaces": [f"in-{name}"]}
        tables["one"]["namespaces"] = ["in-one"]
        app = create_app(settings(registries=tables, accounts=ACCOUNTS), redis)
        projects = HarborCaller(app.test_client())("GET", "").get_json()
        assert [project["name"] for project in projects] == [f"in-{chosen}"]


ONE = selector("matches", "**")
REPOSITORY = [selector("repoMatches", "**")]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (None, "the body is missing"),
        (b"{", "the body is no JSON"),
        (b"[]", "the body should be an object, got a list"),
        (rule(priority="1"), "priority: should be an integer, got a string"),
        (rule(disabled="false"), "disabled: should be true or false, got a string"),
        (rule(action="retain"), "action: should be 'immutable'"),
        (rule(template="x"), "template: should be 'immutable_template'"),
        (rule(tag_selectors=[]), "tag_selectors: should hold exactly one selector, got 0"),
        (rule(tag_selectors=[ONE, ONE]), "tag_selectors: should hold exactly one selector, got 2"),
        (rule(tag_selectors=None), "tag_selectors: is missing"),
        (rule(scope_selectors=None), "scope_selectors: is missing"),
        (rule(tag_selectors=[ONE | {"kind": "regex"}]), "tag_selectors[0].kind: should be 'doublestar', got 'regex'"),
        (rule(tag_selectors=[ONE | {"decoration": "repoMatches"}]), "tag_selectors[0].decoration: should be 'matches'"),
        (rule(tag_selectors=[ONE | {"pattern": ""}]), "tag_selectors[0].pattern: empty"),
        (rule(tag_selectors=[ONE | {"pattern": "{a"}]), "tag_selectors[0].pattern: unclosed '{'"),
        (rule(tag_selectors=[ONE | {"pattern": "a" * 513}]), "tag_selectors[0].pattern: longer than 512 characters"),
        (rule(scope_selectors={"repository": REPOSITORY * 2}), "should hold exactly one selector, got 2"),
        (rule(scope_selectors={"repository": REPOSITORY, "tag": []}), "scope_selectors.tag: is not known here"),
        (rule(scope_selectors={"repository": [ONE]}), "scope_selectors.repository[0].decoration: should be"),
    ],
)
def test_bad_bodies(harbor, here, body, text):
    """A body that is wrong is refused by create and update, and the text names the field."""
    rule_id = created(harbor, project="team")
    before = here.stores.policies.current().get(rule_id)
    for call in (("POST", RULES), ("PUT", f"/team/immutabletagrules/{rule_id}")):
        status, code, message = harbor.error(*call, body)
        assert (status, code) == (400, "BAD_REQUEST")
        assert text in message
    assert list(here.stores.policies.current()) == [before]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "neither selectors nor disabled"),
        ({"priority": 3}, "neither selectors nor disabled"),
        ({"id": 4711, "disabled": True}, "doesn't match the id in the payload"),
        (rule(id=4711), "doesn't match the id in the payload"),
        (rule(id=0), "doesn't match the id in the payload"),
        ({"id": "1", "disabled": True}, "id: should be an integer, got a string"),
        ({"disabled": "true"}, "disabled: should be true or false, got a string"),
    ],
)
def test_bad_updates(harbor, here, body, text):
    """An update that does not say what it is about changes nothing."""
    rule_id = created(harbor)
    before = here.stores.policies.current().get(rule_id)
    status, code, message = harbor.error("PUT", f"{RULES}/{rule_id}", body)
    assert (status, code) == (400, "BAD_REQUEST")
    assert text in message
    assert list(here.stores.policies.current()) == [before]


def test_body_limit(harbor):
    """A body of 5 MiB is refused, whatever it says."""
    status, _, text = harbor.error("POST", RULES, rule(params={"x": "x" * 5 * 1024 * 1024}))
    assert status == 413
    assert "1048576 bytes" in text


@pytest.mark.parametrize(
    ("method", "path", "text"),
    [
        ("GET", "/nobody/immutabletagrules", "project nobody not found"),
        ("POST", "/nobody/immutabletagrules", "project nobody not found"),
        ("PUT", "/nobody/immutabletagrules/1", "project nobody not found"),
        ("DELETE", "/4711/immutabletagrules/1", "project 4711 not found"),
        ("GET", "/-1/immutabletagrules", "project -1 not found"),
        ("GET", "/nobody", "project nobody not found"),
        ("PUT", f"{RULES}/4711", "there is no policy 4711"),
        ("DELETE", f"{RULES}/4711", "there is no policy 4711"),
        ("GET", "/library/retentions", "not found"),
        ("GET", "/a%2Fb/immutabletagrules", "not found"),
    ],
)
def test_not_found(harbor, method, path, text):
    """What is not there is 404, and the text says what it is."""
    status, code, message = harbor.error(method, path, rule())
    assert (status, code) == (404, "NOT_FOUND")
    assert text in message


def test_rule_of_another_project(harbor, here):
    """A rule is changed and deleted in its own project alone."""
    rule_id = created(harbor)
    path = f"/team/immutabletagrules/{rule_id}"
    text = f"immutable rule {rule_id} not found in team"
    assert harbor.error("PUT", path, rule("v*")) == (404, "NOT_FOUND", text)
    assert harbor.error("DELETE", path) == (404, "NOT_FOUND", text)
    assert here.stores.policies.current().get(rule_id).tags.pattern.text == "**"


@pytest.mark.parametrize("number", ["x", "1.0", "-1", "%7Bid%7D", "9" * 30])
def test_id_that_is_no_number(harbor, number):
    """Such an id is refused as Harbor does."""
    for method in ("PUT", "DELETE"):
        assert harbor.error(method, f"{RULES}/{number}", rule())[:2] == (422, "UNPROCESSABLE_ENTITY")


def test_same_rule(harbor):
    """The same once more is a conflict, and so is becoming the same, and one more than there may be."""
    created(harbor)
    other = created(harbor, rule("v*"))
    assert harbor.error("POST", RULES, rule(priority=7))[:2] == (409, "CONFLICT")
    assert harbor.error("PUT", f"{RULES}/{other}", rule())[:2] == (409, "CONFLICT")
    for number in range(3):
        created(harbor, rule(f"v{number}*"))
    status, code, text = harbor.error("POST", RULES, rule("x"))
    assert (status, code) == (409, "CONFLICT")
    assert "policies_per_namespace" in text


def test_no_other_methods(harbor):
    """A rule is neither read by itself nor patched; the refusal says what can be done."""
    rule_id = created(harbor)
    for method in ("GET", "PATCH"):
        answer = harbor(method, f"{RULES}/{rule_id}")
        assert answer.status_code == 405
        assert "PUT" in answer.headers["Allow"]


def test_projects(harbor, here):
    """Projects are listed by number and found by part of their name, by name, and by number."""
    numbers = {one.name: one.id for one in here.stores.namespaces.of("main")}
    answer = harbor("GET", "")
    assert [(one["name"], one["project_id"]) for one in answer.get_json()] == [*numbers.items()]
    assert answer.headers["X-Total-Count"] == "2"
    assert [one["name"] for one in harbor("GET", "?name=lib").get_json()] == ["library"]
    for path in ("/team", f"/{numbers['team']}"):
        assert harbor("GET", path).get_json()["project_id"] == numbers["team"]
    assert harbor("HEAD", "?project_name=team").status_code == 200
    assert harbor("HEAD", "?project_name=tea").status_code == 404


def test_our_own_fault(app, harbor, caplog):
    """Whatever goes wrong inside is 500 in the vendor's form, and the answer does not tell what it was."""
    app.extensions["enforcer"] = replace(app.extensions["enforcer"], stores=None)
    status, code, text = harbor.error("GET", RULES)
    assert (status, code) == (500, "UNKNOWN")
    assert "NoneType" not in text
    assert "AttributeError" in caplog.text


@pytest.mark.parametrize("path", ["", "systeminfo", "projects/library/members/1/2", "/projects"])
def test_unknown_path(app, path):
    """Whatever begins like this API and is no call of it is 404 in its form."""
    answer = app.test_client().get(f"/api/v2.0/{path}")
    assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (404, "NOT_FOUND")


RULES = "/library/immutabletagrules"


def basic(text):
    return f"Basic {b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    "authorization",
    [
        basic("ops:wrong"),
        basic("ops:"),
        basic("ops"),
        basic("nobody:password-of-ops"),
        basic(":"),
        "Basic ?",
        "Basic /w==",
        "Basic",
        "Bearer password-of-ops",
        "x",
    ],
)
def test_wrong_login(redis, harbor, authorization, caplog):
    """A login that fails is refused before anything else, and counted."""
    answer = harbor("POST", "/nobody/immutabletagrules", b"{", Authorization=authorization)
    assert answer.status_code == 401
    assert answer.get_json()["errors"][0]["code"] == "UNAUTHORIZED"
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert redis.hgetall(FAILED_LOGINS) == {b"Harbor": b"1"}
    assert "password-of-ops" not in caplog.text


def test_no_login(redis, harbor):
    """Who gives none is refused; that is no attempt."""
    assert harbor.error("GET", RULES, Authorization=None)[:2] == (401, "UNAUTHORIZED")
    assert redis.hgetall(FAILED_LOGINS) == {}


def test_viewer(viewer, harbor):
    """A viewer, whose password may have any letters, reads what there is and changes nothing."""
    harbor("POST", RULES, rule())
    (found,) = viewer("GET", RULES).get_json()
    for call in (("POST", RULES), ("PUT", f"{RULES}/{found['id']}"), ("DELETE", f"{RULES}/{found['id']}")):
        assert viewer.error(*call, rule("v*"))[:2] == (403, "FORBIDDEN")
    assert viewer("GET", RULES).get_json() == [found]


def test_without_accounts(redis):
    """Where no account is configured the API is closed, not open."""
    client = create_app(settings(registries=REGISTRIES), redis).test_client()
    for name, password in (("", ""), ("ops", "password-of-ops")):
        assert HarborCaller(client, name, password).error("GET", RULES)[0] == 401
