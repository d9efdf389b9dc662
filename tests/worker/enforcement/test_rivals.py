from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.store.installation import write_installation
from tests.fakes.events import MAIN
from tests.fakes.violations import violation
from worker.enforcement.rivals import Rivals

OURS, THEIRS = "0123456789abcdef", "fedcba9876543210"
RIVALS = Rivals(lambda: OURS, {MAIN: "enforcer"})


@pytest.mark.parametrize(
    ("user_agent", "actor", "expected"),
    [
        (f"tag-enforcer/{THEIRS}", "enforcer", True),
        (f"tag-enforcer/{OURS}", "enforcer", False),
        (f"tag-enforcer/{THEIRS}", "mallory", False),
        (f"tag-enforcer/{THEIRS}", "", False),
        ("tag-enforcer", "enforcer", False),
        (f"tag-enforcer/{THEIRS} and more", "enforcer", False),
    ],
)
def test_another_installation_with_our_account(user_agent, actor, expected):
    """What a client says of itself is no proof; the account that it took a password to push by is."""
    assert RIVALS.is_rival(replace(violation(), user_agent=user_agent, actor=actor)) is expected


def test_a_registry_that_asks_for_no_credentials():
    """There an actor is no proof of anything."""
    pushed = replace(violation(), user_agent=f"tag-enforcer/{THEIRS}", actor="enforcer")
    assert not Rivals(lambda: OURS, {}).is_rival(pushed)


def test_an_installation_keeps_its_id(context, make_context):
    """All its processes have the same, and tell it the registry with each request."""
    write_installation(context.redis)
    assert context.installation == make_context().installation
    assert context.registries[MAIN].endpoint.user_agent == f"tag-enforcer/{context.installation}"
