"""Events that need their manifest, and what it adds to them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.events import Action
from enforcer.judgement.enrichment import enriched, needs_manifest
from enforcer.manifests import OCI_INDEX, OCI_MANIFEST, Manifest
from enforcer.names import Digest, Tag
from enforcer.policies.policy_set import PolicySet
from enforcer.times import Time
from tests.fakes.events import deletion, digest, push
from tests.fakes.images import image, index
from tests.fakes.policies import policy

NOW = Time("2026-11-22T04:00:00Z")
POLICIES = PolicySet([policy(tags="1.*")])
INDEX = index(image("amd64"))
MANIFEST = Manifest.checked(INDEX, OCI_INDEX, Digest.of(INDEX))


def pushed(**changes):
    return push("e", MANIFEST.digest, NOW, **changes)


@pytest.mark.parametrize(
    ("event", "needed"),
    [
        (pushed(), True),
        (pushed(media_type=OCI_INDEX), True),
        (pushed(media_type=OCI_INDEX, children=(digest(1),)), False),
        (pushed(media_type=OCI_MANIFEST), False),
        (pushed(tag=Tag("latest")), False),
        (deletion("e", NOW), False),
        (deletion("e", NOW, tag=None, digest=digest(1)), False),
        (replace(pushed(tag=Tag("latest")), action=Action.APPROVE), True),
    ],
    ids=[
        "no type",
        "index without children",
        "index with children",
        "image",
        "not protected",
        "deleted tag",
        "deleted digest",
        "approval",
    ],
)
def test_events_that_need_their_manifest(event, needed):
    """Only where a part is missing that a decision may depend on: of protected pushes, and of every approval."""
    assert needs_manifest(event, POLICIES) is needed


def test_a_push_gets_type_and_children():
    """A push stays a push, with what its manifest says."""
    event = enriched(pushed(), MANIFEST)

    assert event == pushed(media_type=OCI_INDEX, children=MANIFEST.children)
    assert MANIFEST.children


def test_rule_8_an_approval_of_a_digest_that_is_there_adopts_it():
    """An operator's approval adopts what the registry has."""
    event = enriched(replace(pushed(), action=Action.APPROVE), MANIFEST)

    assert event.action is Action.ADOPT
