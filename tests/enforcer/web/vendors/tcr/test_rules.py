"""The four actions: what they do to policies, and what they say of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.names import Namespace, RegistryName, Repository, Tag
from enforcer.policies.patterns import Pattern
from enforcer.policies.policy import Against, Mode, Policy, Selector
from enforcer.times import Time

ALL = {
    "RepositoryPattern": "**",
    "RepositoryDecoration": "repoMatches",
    "TagPattern": "**",
    "TagDecoration": "matches",
}
LATEST = ALL | {"TagPattern": "latest", "TagDecoration": "excludes"}
"""The preset of the vendor's console: every tag but `latest`, in all repositories."""

TEAM = {"RegistryId": "main", "NamespaceName": "team"}
CONFLICT = "FailedOperation.ErrorTcrResourceConflict"
NOT_FOUND = "ResourceNotFound.TcrResourceNotFound"


def code(answer):
    """The error's code; its message says something."""
    assert answer["Error"]["Message"]
    return answer["Error"]["Code"]


def listed(tcr, registry="main", **paging):
    return tcr("DescribeImmutableTagRules", {"RegistryId": registry, **paging})


def created(tcr, rule=LATEST, **place):
    """Create a rule and find its id as clients do."""
    where = TEAM | place
    assert "Error" not in tcr("CreateImmutableTagRules", where | {"Rule": rule})
    rules = listed(tcr, where["RegistryId"])["Rules"]
    return next(one["RuleId"] for one in rules if one["NsName"] == where["NamespaceName"])


def policy(**fields):
    """A policy as another API may have made it."""
    selectors = {"repositories": "repoMatches", "tags": "matches"}
    made = {name: Selector(decoration, Pattern.parse("**")) for name, decoration in selectors.items()}
    place = {"registry": RegistryName("main"), "namespace": Namespace("team")}
    return Policy(**{"id": 0, "effective_since": Time.now(), **place, **made, **fields})


def test_create_and_describe(tcr, here):
    """A rule is found by its namespace with all its fields, and the account's name is in the audit."""
    rule_id = created(tcr)
    answer = listed(tcr)
    assert answer["Rules"] == [LATEST | {"RuleId": rule_id, "NsName": "team", "Disabled": False}]
    assert (answer["Total"], answer["EmptyNs"]) == (1, ["library"])
    (entry,) = here.stores.audit.newest()
    assert (entry.what, entry.by) == ("policy created", "ops")


def test_create_answers_nothing(tcr):
    """Not even the id, as the vendor does."""
    assert tcr("CreateImmutableTagRules", TEAM | {"Rule": LATEST}).keys() == {"RequestId"}


def test_latest_preset_protects_all_but_latest(tcr, here):
    """The console's second kind of rule is an ordinary one: it protects every tag but `latest`."""
    created(tcr)
    policies, repository = here.stores.policies.current(), Repository("team/app/web")

    def protects(tag):
        return policies.protection(RegistryName("main"), repository, Tag(tag), Time.now()) is not None

    assert protects("1.0")
    assert protects("latest-1")
    assert not protects("latest")


def test_create_disabled(tcr, here):
    """`Disabled` is honoured at once."""
    rule_id = created(tcr, LATEST | {"Disabled": True})
    assert here.stores.policies.current().get(rule_id).disabled


def test_list_of_patterns(tcr):
    """Several patterns can be given as a list, which becomes one with alternatives."""
    created(tcr, ALL | {"RepositoryPattern": ["api", "web/*"], "TagPattern": ["v*"]})
    (rule,) = listed(tcr)["Rules"]
    assert (rule["RepositoryPattern"], rule["TagPattern"]) == ("{api,web/*}", "v*")


def test_output_fields_in_a_rule_mean_nothing(tcr):
    """The vendor's example sends the id and namespace of the rule within it; they change nothing."""
    rule_id = created(tcr, LATEST | {"RuleId": 77, "NsName": "library"})
    assert rule_id != 77
    (rule,) = listed(tcr)["Rules"]
    assert rule["NsName"] == "team"


@pytest.mark.parametrize("rule", [LATEST, ALL], ids=["the same", "another"])
def test_second_rule_of_a_namespace(tcr, rule):
    """A namespace has one rule; a second one is a conflict whatever it says."""
    created(tcr)
    assert code(tcr("CreateImmutableTagRules", TEAM | {"Rule": rule})) == CONFLICT
    assert listed(tcr)["Total"] == 1


def test_registries_are_apart(tcr):
    """A rule of one registry is not seen in another one, whose namespaces have the same names."""
    created(tcr)
    other = listed(tcr, "other")
    assert (other["Rules"], other["EmptyNs"], other["Total"]) == ([], ["team"], 0)


def test_modify_replaces_the_rule(tcr, here):
    """All that TCR knows is replaced, `Disabled` by its default; id and namespace stay."""
    rule_id = created(tcr, LATEST | {"Disabled": True})
    changed = {
        "RepositoryPattern": "app*",
        "RepositoryDecoration": "repoExcludes",
        "TagPattern": "v*",
        "TagDecoration": "matches",
    }
    assert tcr("ModifyImmutableTagRules", TEAM | {"RuleId": rule_id, "Rule": changed}).keys() == {"RequestId"}
    assert listed(tcr)["Rules"] == [changed | {"RuleId": rule_id, "NsName": "team", "Disabled": False}]
    assert here.stores.policies.current().get(rule_id).revision == 2


def test_modify_keeps_what_tcr_does_not_know(tcr, here):
    """Our own fields and those of other APIs are what they were."""
    own = {
        "mode": Mode.OBSERVE,
        "protect": frozenset({Against.DELETE}),
        "settle": 7,
        "signature_tags": True,
        "bypass_actors": frozenset({"ci"}),
        "comment": "why",
        "priority": 3,
    }
    before = here.stores.policies.create(policy(**own), "test")
    tcr("ModifyImmutableTagRules", TEAM | {"RuleId": before.id, "Rule": LATEST})
    after = here.stores.policies.current().get(before.id)
    assert {name: getattr(after, name) for name in own} == own
    assert after.tags == Selector("excludes", Pattern.parse("latest"))


def test_switching_off_keeps_since_when_the_rule_is_in_force(tcr, here):
    """Only switching a rule on, or other selectors, begin a protection."""
    before = here.stores.policies.create(policy(), "test")
    modify = TEAM | {"RuleId": before.id}
    tcr("ModifyImmutableTagRules", modify | {"Rule": ALL | {"Disabled": True}})
    off = here.stores.policies.current().get(before.id)
    assert (off.disabled, off.effective_since) == (True, before.effective_since)
    tcr("ModifyImmutableTagRules", modify | {"Rule": ALL})
    on = here.stores.policies.current().get(before.id)
    assert not on.disabled
    assert on.effective_since > before.effective_since


def test_selectors_in_the_words_of_another_api(tcr, here):
    """SWR's `repoMatches` for tags is shown as `matches`, and sending that back changes nothing."""
    tags = Selector("repoMatches", Pattern.parse("**"), extras="for SWR")
    before = here.stores.policies.create(policy(tags=tags), "test")
    (rule,) = listed(tcr)["Rules"]
    assert rule["TagDecoration"] == "matches"
    tcr("ModifyImmutableTagRules", TEAM | {"RuleId": before.id, "Rule": rule})
    assert here.stores.policies.current().get(before.id) == before


def test_delete(tcr, here):
    """A deleted rule is gone, and its namespace has none again."""
    rule_id = created(tcr)
    assert tcr("DeleteImmutableTagRules", TEAM | {"RuleId": rule_id}).keys() == {"RequestId"}
    answer = listed(tcr)
    assert (answer["Rules"], answer["Total"]) == ([], 0)
    assert set(answer["EmptyNs"]) == {"team", "library"}
    assert next(here.stores.audit.newest()).what == "policy deleted"


@pytest.mark.parametrize("action", ["ModifyImmutableTagRules", "DeleteImmutableTagRules"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"RegistryId": "nowhere"},
        {"RegistryId": "other"},
        {"NamespaceName": "library"},
        {"NamespaceName": "unknown"},
        {"NamespaceName": "No Namespace!"},
        {"RuleId": 4711},
    ],
    ids=str,
)
def test_rule_that_is_not_there(tcr, here, action, wrong):
    """An unknown registry, namespace or rule, and a rule of another namespace, are not found and not touched."""
    rule_id = created(tcr)
    before = here.stores.policies.current().get(rule_id)
    rule = {"Rule": ALL} if action.startswith("Modify") else {}
    assert code(tcr(action, TEAM | {"RuleId": rule_id} | rule | wrong)) == NOT_FOUND
    assert here.stores.policies.current().get(rule_id) == before


@pytest.mark.parametrize("place", [{"RegistryId": "nowhere"}, {"NamespaceName": "unknown"}], ids=str)
def test_create_in_an_unknown_place(tcr, place):
    """A namespace must be known before it gets a rule."""
    assert code(tcr("CreateImmutableTagRules", TEAM | place | {"Rule": ALL})) == NOT_FOUND
    assert code(tcr("DescribeImmutableTagRules", {"RegistryId": "nowhere"})) == NOT_FOUND


def test_rule_of_a_namespace_that_is_forgotten(tcr, here):
    """A rule whose namespace is no longer known can be seen and deleted."""
    forgotten = here.stores.policies.create(policy(namespace=Namespace("gone")), "test")
    assert [rule["NsName"] for rule in listed(tcr)["Rules"]] == ["gone"]
    assert "Error" not in tcr("DeleteImmutableTagRules", TEAM | {"NamespaceName": "gone", "RuleId": forgotten.id})
    assert listed(tcr)["Rules"] == []


class TestPaging:
    @pytest.fixture(autouse=True)
    def _rules(self, tcr, here):
        for number in range(5):
            here.stores.policies.create(policy(namespace=Namespace(f"n{number}")), "test")

    def ids(self, tcr, **paging):
        answer = listed(tcr, **paging)
        assert answer["Total"] == 5
        assert answer["EmptyNs"] == ["team", "library"] or answer["EmptyNs"] == ["library", "team"]
        return [rule["RuleId"] for rule in answer["Rules"]]

    def test_everything_at_once(self, tcr):
        """Without a page size the first page has everything, and there is no second one."""
        assert self.ids(tcr) == [1, 2, 3, 4, 5]
        assert self.ids(tcr, Page=2) == []

    def test_pages(self, tcr):
        """Pages follow one another; the last one is short, and past the end they are empty."""
        assert self.ids(tcr, PageSize=2) == [1, 2]
        assert self.ids(tcr, PageSize=2, Page=3) == [5]
        assert self.ids(tcr, PageSize=2, Page=4) == []
        assert self.ids(tcr, PageSize=100, Page=2**62) == []

    @pytest.mark.parametrize(
        "paging",
        [{"PageSize": 101}, {"PageSize": 0}, {"Page": 0}, {"Page": -1}, {"Page": 1.5}, {"Page": "1"}, {"Page": True}],
        ids=str,
    )
    def test_broken_paging(self, tcr, paging):
        """The message names the parameter."""
        answer = listed(tcr, **paging)
        assert code(answer) == "InvalidParameter.ErrorTcrInvalidParameter"
        assert next(iter(paging)) in answer["Error"]["Message"]


def test_changing_a_rule_twice_at_once(tcr, here):
    """A change that somebody else makes meanwhile is not undone: only what TCR shows is replaced."""
    before = here.stores.policies.create(policy(), "test")
    here.stores.policies.change(before.id, lambda one: replace(one, comment="by another client"), "test")
    tcr("ModifyImmutableTagRules", TEAM | {"RuleId": before.id, "Rule": LATEST})
    after = here.stores.policies.current().get(before.id)
    assert (after.comment, after.revision) == ("by another client", 3)
