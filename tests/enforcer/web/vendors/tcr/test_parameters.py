"""Reading parameters: the same from JSON and from a query, and for whatever is wrong an error that names it."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from enforcer.web.vendors.tcr.answers import CallRefused
from enforcer.web.vendors.tcr.parameters import (
    CreateParameters,
    DeleteParameters,
    DescribeParameters,
    ModifyParameters,
    from_json,
    from_query,
)

RULE = {
    "RepositoryPattern": "**",
    "RepositoryDecoration": "repoMatches",
    "TagPattern": "v*",
    "TagDecoration": "matches",
}
CREATE = {"RegistryId": "main", "NamespaceName": "team", "Rule": RULE}
INVALID = "InvalidParameter.ErrorTcrInvalidParameter"


def refusal(read, kind, given):
    with pytest.raises(CallRefused) as refused:
        read(kind, given)
    return refused.value.code, str(refused.value)


def refusal_of_json(given, kind=CreateParameters):
    return refusal(from_json, kind, given if isinstance(given, bytes) else json.dumps(given).encode())


def flat(given, prefix=""):
    """Parameters as the vendor's SDK writes them into a query."""
    if isinstance(given, dict):
        return {key: value for name, part in given.items() for key, value in flat(part, f"{prefix}.{name}").items()}
    if isinstance(given, list):
        return {
            key: value for place, part in enumerate(given) for key, value in flat(part, f"{prefix}.{place}").items()
        }
    return {prefix.removeprefix("."): given}


def without(given, *path):
    """The parameters without one of them."""
    copy = json.loads(json.dumps(given))
    place = copy
    for name in path[:-1]:
        place = place[name]
    del place[path[-1]]
    return copy


def test_query_says_the_same_as_json():
    """Numbers, booleans, patterns with any character and lists are read alike from both."""
    given = CREATE | {"RuleId": 7, "Rule": RULE | {"Disabled": True, "TagPattern": ["v*", "{a, b}", "1+1"[:1]]}}
    query = urlencode(flat(given)).encode()
    assert b"Disabled=True" in query
    assert from_query(ModifyParameters, query) == from_json(ModifyParameters, json.dumps(given).encode())


def test_rule_is_switched_on_unless_said_otherwise():
    """`Disabled` may be left out, and null is as good as absent."""
    for disabled in ({}, {"Disabled": None}, {"Disabled": False}):
        parameters = from_json(CreateParameters, json.dumps(CREATE | {"Rule": RULE | disabled}).encode())
        assert parameters.rule.disabled is False


def test_common_parameters_in_the_query():
    """What clients may send instead of headers is not taken for a parameter of the action."""
    query = b"Action=DescribeImmutableTagRules&Version=2019-09-24&Region=eu&RegistryId=main&Language=zh-CN"
    assert from_query(DescribeParameters, query).registry_id == "main"


@pytest.mark.parametrize(
    "path",
    [
        ("RegistryId",),
        ("NamespaceName",),
        ("Rule",),
        ("Rule", "RepositoryPattern"),
        ("Rule", "RepositoryDecoration"),
        ("Rule", "TagPattern"),
        ("Rule", "TagDecoration"),
    ],
    ids=".".join,
)
def test_missing_parameter(path):
    """A missing parameter is named with the way to it, and so is one that is null."""
    given = without(CREATE, *path)
    assert refusal_of_json(given) == ("MissingParameter", f"{'.'.join(path)}: is missing")
    if path != ("Rule",):
        assert refusal(from_query, CreateParameters, urlencode(flat(given)).encode())[0] == "MissingParameter"
    null = json.loads(json.dumps(CREATE))
    (null["Rule"] if len(path) == 2 else null)[path[-1]] = None
    assert refusal_of_json(null)[0] == "MissingParameter"


def test_rule_id_is_required():
    """Without an id nothing is deleted."""
    code, text = refusal_of_json({"RegistryId": "main", "NamespaceName": "team"}, DeleteParameters)
    assert (code, text) == ("MissingParameter", "RuleId: is missing")


def test_empty_requests():
    """A call without any parameters misses those that it needs."""
    for read, given in ((from_json, b""), (from_json, b"{}"), (from_query, b"")):
        assert refusal(read, DescribeParameters, given) == ("MissingParameter", "RegistryId: is missing")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"RepositoryDecoration": "matches"}, "repoMatches"),
        ({"RepositoryDecoration": ""}, "repoExcludes"),
        ({"TagDecoration": "repoMatches"}, "'matches' or 'excludes'"),
        ({"TagDecoration": 1}, "TagDecoration"),
        ({"TagPattern": ""}, "empty"),
        ({"TagPattern": " "}, "empty"),
        ({"TagPattern": "v[!a]"}, "[^...]"),
        ({"TagPattern": "a,b"}, "outside braces"),
        ({"TagPattern": "v" * 513}, "512"),
        ({"TagPattern": []}, "empty"),
        ({"TagPattern": ["a}", "{b"]}, "TagPattern"),
        ({"TagPattern": {"0": "a"}}, "TagPattern"),
        ({"TagPattern": 1}, "TagPattern"),
        ({"RepositoryPattern": "/a"}, "RepositoryPattern: empty path component"),
        ({"RepositoryPattern": "\ud800"}, "unexpected"),
        ({"Disabled": "false"}, "Disabled"),
        ({"Disabled": 0}, "Disabled"),
    ],
    ids=str,
)
def test_bad_value_in_a_rule(change, told):
    """The message names the parameter with the way to it and says what is wrong."""
    code, text = refusal_of_json(CREATE | {"Rule": RULE | change})
    assert code == INVALID
    assert text.startswith(f"Rule.{next(iter(change))}")
    assert told in text


@pytest.mark.parametrize(
    "change",
    [
        {"RegistryId": 1},
        {"RegistryId": ""},
        {"RegistryId": ["main"]},
        {"NamespaceName": "x" * 256},
        {"NamespaceName": {}},
        {"Rule": []},
        {"Rule": [RULE]},
        {"Rule": "**"},
    ],
    ids=lambda change: str(change)[:40],
)
def test_bad_parameter(change):
    """A parameter of another type than it has is refused by its name."""
    code, text = refusal_of_json(CREATE | change)
    assert code == INVALID
    assert text.startswith(next(iter(change)))


@pytest.mark.parametrize("rule_id", [0, -1, 1.0, "1", True, 2**63, [1]], ids=repr)
def test_bad_rule_id(rule_id):
    """An id is a positive integer."""
    code, text = refusal_of_json({"RegistryId": "main", "NamespaceName": "team", "RuleId": rule_id}, DeleteParameters)
    assert (code, text.partition(":")[0]) == (INVALID, "RuleId")


@pytest.mark.parametrize("given", [CREATE | {"Rules": []}, CREATE | {"Rule": RULE | {"Disable": True}}], ids=str)
def test_unknown_parameter(given):
    """A misspelled parameter is told: a rule that should be off would be in force."""
    code, text = refusal_of_json(given)
    assert code == "UnknownParameter"
    assert "Rules" in text or "Rule.Disable" in text


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"RuleId": ' + b"1" * 5000 + b"}",
        b"[]",
        b"null",
        b'"text"',
        b"RegistryId=main",
        b'\xef\xbb\xbf{"RegistryId": "main"}',
        '{"RegistryId": "main"}'.encode("utf-16"),
    ],
    ids=lambda body: repr(body[:20]),
)
def test_body_that_is_no_object(body):
    """What is no JSON object in UTF-8 is refused as a whole."""
    code, text = refusal_of_json(body)
    assert code == "InvalidParameter"
    assert "JSON" in text


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (b"RegistryId=a&RegistryId=b", "InvalidParameter"),
        (b"RegistryId=a&RegistryId.b=c", "InvalidParameter"),
        (b"RegistryId.b=c&RegistryId=a", "InvalidParameter"),
        (b"RegistryId=%ff", "InvalidParameter"),
        (b"RegistryId=\xff", "InvalidParameter"),
        (b"&".join(b"n%d=1" % n for n in range(200)), "InvalidParameter"),
        (b"RegistryId." * 1000 + b"x=1", INVALID),
        (b"RegistryId=a&Page=1.5", INVALID),
        (b"RegistryId=a&Page=", INVALID),
        (b"RegistryId=a&PageSize=%D9%A1", INVALID),
        (b"RegistryId=a&Page=" + b"9" * 3000, INVALID),
        (b"RegistryId=a&page=1", "UnknownParameter"),
        (b"RegistryId=a&=1", "UnknownParameter"),
        (b"RegistryId=a&.=1", "UnknownParameter"),
    ],
    ids=lambda given: repr(given)[:40],
)
def test_broken_query(query, code):
    """A query that cannot be read, or says something twice, is refused."""
    assert refusal(from_query, DescribeParameters, query)[0] == code


@pytest.mark.parametrize("disabled", ["1", "yes", "None", "", "TRUE ", "0"], ids=repr)
def test_broken_boolean_in_a_query(disabled):
    """Only true and false are booleans, in capitals or not: a guess could leave a rule in force."""
    query = urlencode(flat(CREATE) | {"Rule.Disabled": disabled}).encode()
    code, text = refusal(from_query, CreateParameters, query)
    assert code == INVALID
    assert "Rule.Disabled" in text


def test_message_stays_short():
    """A hostile request does not get its megabyte back."""
    names = {f"unknown-{n}-{'x' * 500}": 1 for n in range(1000)}
    for given in (CREATE | names, CREATE | {"Rule": RULE | {"TagDecoration": "y" * 100_000}}):
        assert len(refusal_of_json(given)[1]) < 1000
