"""The calls of the SWR API: what they do to policies, and what they say of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.names import Namespace, RegistryName
from enforcer.policies.patterns import Pattern
from enforcer.policies.policy import Against, Mode, Policy, Selector
from enforcer.times import Time
from tests.fakes.rules import rule, selector
from tests.fakes.swr import SwrCaller

INVALID = "SVCSTG.SWR.4000014"
NO_INSTANCE, NO_NAMESPACE, NO_RULE = (f"SVCSTG.SWR.404000{number}" for number in (1, 2, 3))
CONFLICT = "SVCSTG.SWR.4090001"
RULES = "/namespaces/library/immutabletagrules"
LIST = "/immutabletagrules"


def created(swr, body=None, namespace="library"):
    """Create a rule; returns its id."""
    answer = swr("POST", f"/namespaces/{namespace}/immutabletagrules", body or rule())
    assert answer.status_code == 201, answer.get_json()
    assert list(answer.get_json()) == ["id"]
    return answer.get_json()["id"]


def listed(swr, query=""):
    answer = swr("GET", f"{LIST}{query}")
    assert answer.status_code == 200, answer.get_json()
    content = answer.get_json()
    assert list(content) == ["immutable_rules", "total"]
    return content["immutable_rules"]


def policy(namespace="library", **fields):
    """A policy as another API may have made it."""
    everything = Pattern.parse("**")
    made = {"repositories": Selector("repoMatches", everything), "tags": Selector("excludes", everything)}
    place = {"registry": RegistryName("main"), "namespace": Namespace(namespace)}
    return Policy(**{"id": 0, "effective_since": Time.now(), **place, **made, **fields})


def test_create_and_list(swr, here):
    """A rule is listed with every field, defaults included, and is a policy by the name of the account."""
    sent = rule("v*", "{repo1, repo2}", action="immutable", template="immutable_template")
    rule_id = created(swr, sent)
    assert listed(swr) == [
        {
            "id": rule_id,
            "namespace_id": here.stores.namespaces.get("main", "library").id,
            "namespace_name": "library",
            "priority": 0,
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


def test_everything_that_can_be_said(swr):
    """Each field comes back as it was sent, the vendor's synonym for tags too."""
    sent = {
        "priority": -7,
        "disabled": True,
        "action": "immutable",
        "template": "immutable_template",
        "tag_selectors": [selector("repoMatches", " {a, b}", extras="say")],
        "scope_selectors": {"repository": [selector("repoExcludes", "x?[a-c]/**", extras='{"untagged":true}')]},
    }
    created(swr, sent)
    (found,) = listed(swr)
    assert {name: found[name] for name in sent} == sent


def test_reserved_fields_stay_unsaid(swr):
    """Who leaves out action and template, or sends nothing in them, reads nothing: Terraform compares the two."""
    created(swr)
    (found,) = listed(swr)
    assert (found["action"], found["template"]) == ("", "")
    assert swr("PUT", f"{RULES}/{found['id']}", found).status_code == 200
    assert listed(swr) == [found]


def test_rules_of_other_apis_have_all_fields(swr, here):
    """A policy that was made elsewhere is shown with the only action and template that there are."""
    here.stores.policies.create(policy(), "ops")
    (found,) = listed(swr)
    assert (found["action"], found["template"]) == ("immutable", "immutable_template")


def test_null_is_absent(swr):
    """Fields that are null take their default; a required one is missing."""
    selectors = [selector("matches", "**", extras=None)]
    created(swr, rule(priority=None, disabled=None, action=None, template=None, tag_selectors=selectors, more=None))
    status, code, text = swr.error("POST", "/namespaces/team/immutabletagrules", rule(tag_selectors=None))
    assert (status, code, text) == (400, INVALID, "invalid parameter: tag_selectors: is missing")


def test_several_patterns(swr):
    """A list of patterns becomes one with alternatives."""
    created(swr, rule(["v1", "v2"]))
    assert listed(swr)[0]["tag_selectors"] == [selector("matches", "{v1,v2}", extras="")]


def test_update_replaces_what_swr_shows(swr, here):
    """What is left out of an update takes its default; what SWR does not know of stays, and so does the namespace."""
    ours = {
        "mode": Mode.OBSERVE,
        "protect": frozenset({Against.DELETE}),
        "signature_tags": True,
        "settle": 7,
        "bypass_actors": frozenset({"robot"}),
        "comment": "why",
    }
    before = here.stores.policies.create(policy(disabled=True, priority=9, **ours), "ops")
    answer = swr("PUT", f"{RULES}/{before.id}", rule("v*", "app"))
    assert (answer.status_code, answer.get_json()) == (200, {})
    after = here.stores.policies.current().get(before.id)
    assert {name: getattr(after, name) for name in ours} == ours
    assert (after.disabled, after.priority, after.namespace) == (False, 0, "library")
    assert (after.tags.pattern.text, after.repositories.pattern.text) == ("v*", "app")


def test_switch(swr, here):
    """A rule is switched off and on by an update; on again, it is in force from then."""
    rule_id = created(swr)
    since = here.stores.policies.current().get(rule_id).effective_since
    for disabled in (True, False):
        assert swr("PUT", f"{RULES}/{rule_id}", rule(disabled=disabled)).status_code == 200
        assert listed(swr)[0]["disabled"] is disabled
        assert here.stores.policies.current().get(rule_id).disabled is disabled
    assert here.stores.policies.current().get(rule_id).effective_since > since


def test_another_word_for_the_same(swr, here):
    """The synonym and the reserved fields change nothing about what is protected, nor since when."""
    rule_id = created(swr)
    since = here.stores.policies.current().get(rule_id).effective_since
    sent = rule(tag_selectors=[selector("repoMatches", "**", extras="x")], action="immutable")
    assert swr("PUT", f"{RULES}/{rule_id}", sent).status_code == 200
    assert listed(swr)[0]["tag_selectors"] == sent["tag_selectors"]
    assert here.stores.policies.current().get(rule_id).effective_since == since


def test_delete(swr, here):
    """A deleted rule is gone; deleting it again says so."""
    rule_id = created(swr)
    answer = swr("DELETE", f"{RULES}/{rule_id}")
    assert (answer.status_code, answer.data) == (204, b"")
    assert list(here.stores.policies.current()) == []
    assert swr.error("DELETE", f"{RULES}/{rule_id}")[:2] == (404, NO_RULE)


def test_pages(roomy):
    """Pages come by id, with the number of all; one past the end is empty, and 10 are a page unless said otherwise."""
    ids = [created(roomy, rule(f"v{number}*")) for number in range(5)]
    assert [one["id"] for one in listed(roomy)] == ids
    assert [one["id"] for one in listed(roomy, "?limit=2")] == ids[:2]
    assert [one["id"] for one in listed(roomy, "?limit=2&offset=4")] == ids[4:]
    for query in ("?limit=100&offset=100", "?offset=10", "?limit=5&offset=5"):
        answer = roomy("GET", f"{LIST}{query}").get_json()
        assert answer == {"immutable_rules": [], "total": 5}


def test_default_page(redis, app):
    """Without a limit a page has ten rules."""
    services = app.extensions["enforcer"]
    for number in range(11):
        redis.sadd("te:namespaces:seen:main", f"n{number}")
        services.stores.policies.create(policy(f"n{number}"), "ops")
    swr = SwrCaller(app.test_client(), "token-of-ops")
    assert len(listed(swr)) == 10
    assert len(listed(swr, "?offset=10")) == 1
    assert len(listed(swr, "?limit=100")) == 11


def test_filter(swr, here):
    """Rules are listed of one namespace by its number, and none of a number that is not used; the total is theirs."""
    created(swr)
    created(swr, namespace="team")
    number = here.stores.namespaces.get("main", "team").id
    answer = swr("GET", f"{LIST}?namespace_id={number}").get_json()
    assert [one["namespace_name"] for one in answer["immutable_rules"]] == ["team"]
    assert answer["total"] == 1
    for unused in ("0", "4711"):
        assert swr("GET", f"{LIST}?namespace_id={unused}").get_json() == {"immutable_rules": [], "total": 0}


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("limit=0", "limit: should be from 1 to 100, got 0"),
        ("limit=101", "limit: should be from 1 to 100, got 101"),
        ("limit=-1", "limit: should be from 1 to 100, got -1"),
        ("limit=ten", "limit: should be an integer, got 'ten'"),
        ("limit=", "limit: should be an integer, got ''"),
        ("limit=1e1", "limit: should be an integer, got '1e1'"),
        ("limit=٣", "limit: should be an integer"),
        (f"offset={'9' * 5000}", "offset: should be an integer"),
        ("offset=-10", "offset: should be from 0"),
        ("offset=5", "offset: should be 0 or a multiple of limit, 10, got 5"),
        ("offset=3&limit=2", "offset: should be 0 or a multiple of limit, 2, got 3"),
        ("namespace_id=library", "namespace_id: should be an integer, got 'library'"),
        ("namespace_id=-5", "namespace_id: should be from 0"),
    ],
)
def test_broken_paging(swr, query, text):
    """A query that makes no sense is refused, and the text names what is wrong with it."""
    status, code, message = swr.error("GET", f"{LIST}?{query}")
    assert (status, code) == (400, INVALID)
    assert text in message


ONE = selector("matches", "**")
REPOSITORY = [selector("repoMatches", "**")]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (None, "the body is missing"),
        (b"", "the body is missing"),
        (b"{", "the body is no JSON"),
        (b"\xff\xfe", "the body is no JSON"),
        (b'{"priority": NaN}', "the body is no JSON"),
        (b"[" * 100_000, "the body is no JSON"),
        (b"[]", "the body should be an object, got a list"),
        (b"null", "the body should be an object, got null"),
        (rule(priority=True), "priority: should be an integer, got a boolean"),
        (rule(priority="1"), "priority: should be an integer, got a string"),
        (rule(priority=1.5), "priority: should be an integer, got a number"),
        (rule(priority=2**31), "priority: should be less than or equal to 2147483647, got 2147483648"),
        (rule(disabled="false"), "disabled: should be true or false, got a string"),
        (rule(disabled=0), "disabled: should be true or false, got an integer"),
        (rule(action="retain"), "action: should be 'immutable'"),
        (rule(template="latestPushedK"), "template: should be 'immutable_template'"),
        (rule(tag_selectors=[]), "tag_selectors: should hold exactly one selector, got 0"),
        (rule(tag_selectors=[ONE, ONE]), "tag_selectors: should hold exactly one selector, got 2"),
        (rule(tag_selectors=ONE), "tag_selectors: should be a list, got an object"),
        (rule(tag_selectors=["**"]), "tag_selectors[0]: should be an object, got a string"),
        (rule(tag_selectors=[None]), "tag_selectors[0]: should be an object, got null"),
        (rule(tag_selectors=[ONE | {"kind": "regex"}]), "tag_selectors[0].kind: should be 'doublestar', got 'regex'"),
        (rule(tag_selectors=[ONE | {"kind": None}]), "tag_selectors[0].kind: is missing"),
        (
            rule(tag_selectors=[ONE | {"decoration": "repoExcludes"}]),
            "tag_selectors[0].decoration: should be 'matches'",
        ),
        (rule(tag_selectors=[ONE | {"decoration": ""}]), "tag_selectors[0].decoration: should be 'matches'"),
        (rule(tag_selectors=[ONE | {"pattern": ""}]), "tag_selectors[0].pattern: empty"),
        (rule(tag_selectors=[ONE | {"pattern": None}]), "tag_selectors[0].pattern: is missing"),
        (rule(tag_selectors=[ONE | {"pattern": "a" * 513}]), "tag_selectors[0].pattern: longer than 512 characters"),
        (rule(tag_selectors=[ONE | {"pattern": "v1.!"}]), "tag_selectors[0].pattern: unexpected '!' at 3"),
        (rule(tag_selectors=[ONE | {"pattern": 1}]), "tag_selectors[0].pattern: should be a string, got an integer"),
        (rule(tag_selectors=[ONE | {"extras": {}}]), "tag_selectors[0].extras: should be a string, got an object"),
        (rule(tag_selectors=[ONE | {"extras": "x" * 1025}]), "tag_selectors[0].extras: is longer than 1024 characters"),
        (rule(scope_selectors=REPOSITORY), "scope_selectors: should be an object, got a list"),
        (rule(scope_selectors={}), "scope_selectors.repository: is missing"),
        (
            rule(scope_selectors={"repository": []}),
            "scope_selectors.repository: should hold exactly one selector, got 0",
        ),
        (rule(scope_selectors={"repository": REPOSITORY * 2}), "should hold exactly one selector, got 2"),
        (rule(scope_selectors={"repository": REPOSITORY, "tag": REPOSITORY}), "scope_selectors.tag: is not known here"),
        (
            rule(scope_selectors={"repository": [ONE]}),
            "scope_selectors.repository[0].decoration: should be 'repoMatches' or 'repoExcludes', got 'matches'",
        ),
    ],
)
def test_bad_bodies(swr, here, body, text):
    """A body that is wrong is refused by create and update, and the text names the field."""
    rule_id = created(swr, namespace="team")
    before = here.stores.policies.current().get(rule_id)
    for call in (("POST", RULES), ("PUT", f"/namespaces/team/immutabletagrules/{rule_id}")):
        status, code, message = swr.error(*call, body)
        assert (status, code) == (400, INVALID)
        assert message.startswith("invalid parameter: ")
        assert text in message
    assert list(here.stores.policies.current()) == [before]


def test_many_faults_are_told_briefly(swr):
    """A hostile body does not blow up the answer."""
    _, _, text = swr.error("POST", RULES, {"scope_selectors": {f"{'x' * 1000}{n}": 1 for n in range(500)}})
    assert len(text) < 1000


def test_body_limit(swr, here):
    """A body of 5 MiB is refused, whatever it says."""
    status, code, text = swr.error("POST", RULES, rule(more="x" * 5 * 1024 * 1024))
    assert (status, code) == (413, "SVCSTG.SWR.4130000")
    assert "1048576 bytes" in text
    assert list(here.stores.policies.current()) == []


def test_largest_body(swr):
    """One just under the limit is read."""
    body = rule(more="")
    created(swr, rule(more="x" * (1024 * 1024 - 400 - len(str(body)))))


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("POST", "/namespaces/nobody/immutabletagrules", NO_NAMESPACE),
        ("GET", "/namespaces/nobody", NO_NAMESPACE),
        ("PUT", f"{RULES}/4711", NO_RULE),
        ("DELETE", f"{RULES}/4711", NO_RULE),
        ("DELETE", f"{RULES}/{10**30}", NO_RULE),
        ("DELETE", "/namespaces/nobody/immutabletagrules/4711", NO_RULE),
        ("DELETE", f"{RULES}/%7Bimmutable_rule_id%7D", "SVCSTG.SWR.4040000"),
        ("DELETE", f"{RULES}/-1", "SVCSTG.SWR.4040000"),
        ("GET", "/quotas", "SVCSTG.SWR.4040000"),
        ("GET", f"//{LIST}", "SVCSTG.SWR.4040000"),
        ("GET", "/namespaces/a%2Fb", "SVCSTG.SWR.4040000"),
    ],
)
def test_not_found(swr, method, path, code):
    """What is not there is 404, with a code that says what it is."""
    assert swr.error(method, path, rule())[:2] == (404, code)


def test_unknown_instance(swr):
    """Every call is 404 for an instance that is none, also one whose name the client has forgotten to put in."""
    for instance in ("nowhere", "%7Binstance_id%7D", "Main"):
        lost = swr.at(f"/v2/p1/instances/{instance}")
        for method, path in (
            ("GET", LIST),
            ("POST", RULES),
            ("PUT", f"{RULES}/1"),
            ("DELETE", f"{RULES}/1"),
            ("GET", "/namespaces"),
            ("GET", "/namespaces/library"),
        ):
            assert lost.error(method, path, rule())[:2] == (404, NO_INSTANCE)


def test_rule_of_another_namespace(swr, here):
    """A rule is changed and deleted in its own namespace and instance alone."""
    rule_id = created(swr)
    elsewhere = swr.at("/v2/p1/instances/other")
    for caller, namespace, code in (
        (swr, "team", NO_RULE),
        (elsewhere, "team", NO_RULE),
        (elsewhere, "library", NO_NAMESPACE),
        (swr, "nobody", NO_NAMESPACE),
    ):
        path = f"/namespaces/{namespace}/immutabletagrules/{rule_id}"
        assert caller.error("PUT", path, rule("v*"))[:2] == (404, code)
        assert caller.error("DELETE", path)[:2] == (404, code)
    assert here.stores.policies.current().get(rule_id).tags.pattern.text == "**"
    assert listed(elsewhere) == []


def test_second_rule(swr):
    """A namespace has one rule; a second one is a conflict, the same or another, and so in each instance by itself."""
    created(swr)
    for body in (rule(), rule("v*"), rule(disabled=True)):
        assert swr.error("POST", RULES, body)[:2] == (409, CONFLICT)
    created(swr, namespace="team")
    created(swr.at("/v2/p1/instances/other"), namespace="team")


def test_same_rule(roomy):
    """Where there is room for several, the same in other words is a conflict, and so is becoming the same."""
    created(roomy)
    other = created(roomy, rule("v*"))
    same = rule(tag_selectors=[selector("repoMatches", "**")])
    assert roomy.error("POST", RULES, same)[:2] == (409, CONFLICT)
    assert roomy.error("PUT", f"{RULES}/{other}", same)[:2] == (409, CONFLICT)


def test_method_not_allowed(swr):
    """Another method is refused in the vendor's form, with those that there are."""
    answer = swr("PATCH", LIST)
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_slash_at_the_end(swr):
    """A slash more is no redirect, which the SDK would take for success."""
    created(swr)
    assert swr("GET", f"{LIST}/").status_code == 200


def test_namespaces(swr, here):
    """Namespaces are listed by number, which `namespace_id` of the rules is; by part of the name; and one by one."""
    known = here.stores.namespaces.of("main")
    answer = swr("GET", "/namespaces").get_json()
    assert [(one["name"], one["namespace_id"]) for one in answer["namespaces"]] == [(one.name, one.id) for one in known]
    assert answer["total"] == 2
    assert swr("GET", "/namespaces/team").get_json() in answer["namespaces"]
    part = swr("GET", "/namespaces?name=lib&public=false").get_json()
    assert [one["name"] for one in part["namespaces"]] == ["library"]
    assert swr("GET", "/namespaces?public=true").get_json() == {"namespaces": [], "total": 0}
    assert swr("GET", "/namespaces?limit=1&offset=1").get_json()["namespaces"] == answer["namespaces"][1:]


def test_rule_of_a_forgotten_namespace(redis, swr, here):
    """A rule whose namespace is no longer configured, and was never pushed to, can be seen and deleted."""
    redis.sadd("te:namespaces:seen:main", "old")
    rule_id = created(swr, namespace="old")
    redis.delete("te:namespaces:seen:main")
    assert [one["id"] for one in listed(swr)] == [rule_id]
    assert swr("DELETE", f"/namespaces/old/immutabletagrules/{rule_id}").status_code == 204


def test_our_own_fault(app, swr, caplog):
    """Whatever goes wrong inside is 500 in the vendor's form, and the answer does not tell what it was."""
    services = app.extensions["enforcer"]
    app.extensions["enforcer"] = replace(services, stores=None)
    status, code, text = swr.error("GET", LIST)
    assert (status, code) == (500, "SVCSTG.SWR.5000000")
    assert "NoneType" not in text
    assert "AttributeError" in caplog.text


def test_redis_away(app, swr):
    """Without Redis a call is refused as something to try again."""
    app.extensions["enforcer"].stores.redis.connection_pool.connection_kwargs["server"].connected = False
    answer = swr("GET", LIST)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


@pytest.mark.parametrize("path", ["/v2/", "/v2//", "/v2/p1", "/v2/p1/instances/main", "/v2/library/app/manifests/1.0"])
def test_unknown_path(swr, path):
    """Whatever begins like this API and is no call of it is 404 in its form."""
    assert swr.at(path).error("GET", "")[:2] == (404, "SVCSTG.SWR.4040000")
