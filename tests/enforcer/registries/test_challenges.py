from __future__ import annotations

import pytest

from enforcer.registries.challenges import Challenge, challenges, merged_scopes


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", []),
        (" , ,", []),
        ("Basic", [("basic", {})]),
        ('Basic realm="Registry Realm"', [("basic", {"realm": "Registry Realm"})]),
        (
            'Bearer realm="https://auth.example.com/token",service="a, b",scope="repository:team/app:pull,push"',
            [
                (
                    "bearer",
                    {
                        "realm": "https://auth.example.com/token",
                        "service": "a, b",
                        "scope": "repository:team/app:pull,push",
                    },
                )
            ],
        ),
        (
            'BEARER Realm="x" , SERVICE=y, error="insufficient_scope"',
            [("bearer", {"realm": "x", "service": "y", "error": "insufficient_scope"})],
        ),
        (
            'Bearer realm="x", service="y", Basic realm="z, Bearer realm=w"',
            [("bearer", {"realm": "x", "service": "y"}), ("basic", {"realm": "z, Bearer realm=w"})],
        ),
        ('Negotiate, Basic realm="x"', [("negotiate", {}), ("basic", {"realm": "x"})]),
        ('Negotiate YWJj==, Basic realm="x"', [("negotiate", {}), ("basic", {"realm": "x"})]),
        (r'Basic realm="a\"b\\c"', [("basic", {"realm": 'a"b\\c'})]),
        ('Basic realm = "x"', [("basic", {"realm": "x"})]),
        ('Basic realm=""', [("basic", {"realm": ""})]),
        ('Basic realm="first", realm="second"', [("basic", {"realm": "first"})]),
        ('realm="without a scheme"', []),
    ],
)
def test_challenges(header, expected):
    """Each scheme has its own parameters, whatever stands between the quotes."""
    assert challenges(header) == [Challenge(scheme, parameters) for scheme, parameters in expected]


@pytest.mark.parametrize(
    "header", ['Basic realm="open', "===,;;;", '"', "\x00\xff", "Basic " + '"' * 100_000, "a=" * 50_000]
)
def test_junk_ends(header):
    """No header keeps the reader busy or makes it fail."""
    assert all(found.scheme for found in challenges(header))


def test_scopes_are_sets_of_actions():
    """The order of actions, which differs between answers of one registry, makes no other scope."""
    assert merged_scopes("repository:a/b:push,pull") == merged_scopes("repository:a/b:pull,push")


def test_scopes_are_merged():
    """Each resource is asked for once, with all actions that any text names."""
    merged = merged_scopes("repository:a/b:pull", "repository:host:5000/c:pull repository:a/b:push", "")

    assert merged == ("repository:a/b:pull,push", "repository:host:5000/c:pull")


def test_no_scope():
    """Nothing needed is nothing asked for."""
    assert merged_scopes("") == ()
