"""What people hear of decisions that are no violations."""

from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.alerts.message import Alert, Severity
from enforcer.alerts.notices import notice
from enforcer.judgement.record import Decision, Entry, Record
from enforcer.policies.policy import Protection
from enforcer.times import Time
from tests.fakes.events import NAME, digest, push
from tests.fakes.violations import violation

FIRST, INDEX, PART = digest(1), digest(9), digest(2)
WHEN = Time("2026-11-22T04:00:00Z")
PROTECTED = Protection(overwrite=True, delete=True, enforce=True, settle=120, policies=(1,))
RECORD = Record(digest=INDEX, time=WHEN, children=(FIRST, PART))
SUPERSEDED = Entry(push("e", INDEX, WHEN, children=(FIRST, PART)), Decision.SUPERSEDED, PROTECTED, RECORD)
A_PART = Entry(push("f", PART, WHEN, actor="ci"), Decision.PART, PROTECTED, RECORD)


def test_superseded():
    """An index that took a tag over is a warning, with both digests and the command that goes back."""
    said = notice(NAME, SUPERSEDED, FIRST)
    assert said.severity is Severity.WARNING
    assert INDEX in said.text
    assert f"enforcer tag approve --registry main team/app:1.0 {FIRST} --reason" in said.text


def test_corrected():
    """A correction is critical, always: whoever has a notification token can announce what is said to be older."""
    corrected = Entry(push("e", FIRST, WHEN), Decision.CORRECTED, PROTECTED, replace(RECORD, digest=FIRST))
    said = notice(NAME, corrected, PART)
    assert said.severity is Severity.CRITICAL
    assert f"enforcer tag approve --registry main team/app:1.0 {PART} --reason" in said.text
    assert FIRST in said.text


def test_part():
    """A part that was put back by its index is no more than worth knowing."""
    said = notice(NAME, A_PART, None)
    assert (said.severity, said.details["pushed_digest"], said.details["recorded_digest"]) == (
        Severity.INFO,
        PART,
        INDEX,
    )


def test_recorded():
    """Where that is asked for, people hear what a new tag is protected as, and who is said to have pushed it."""
    recorded = Entry(push("e", FIRST, WHEN, actor="ann"), Decision.RECORDED, PROTECTED, replace(RECORD, digest=FIRST))
    said = notice(NAME, recorded, None)
    assert (said.severity, said.details["kind"]) == (Severity.INFO, "recorded")
    assert said.text == (
        f"team/app:1.0 in main is protected as {FIRST} from now on, pushed by a client that claims to be ann"
    )


@pytest.mark.parametrize(("address", "is_told"), [("", False), ("192.0.2.1:1", True)])
def test_what_a_baseline_records_is_no_news(address, is_told):
    """Tags that were there before are not told; a client that only calls itself a baseline is."""
    event = push("e", FIRST, WHEN, user_agent="tag-enforcer baseline", address=address)
    recorded = Entry(event, Decision.RECORDED, PROTECTED, replace(RECORD, digest=FIRST))
    assert (notice(NAME, recorded, None) is not None) is is_told


def test_same_part_again():
    """However often somebody pushes it, it is the same notice."""
    again = replace(A_PART, event=push("g", PART, WHEN.plus(9)))
    assert notice(NAME, A_PART, None).id == notice(NAME, again, None).id


@pytest.mark.parametrize(
    "entry",
    [
        replace(A_PART, decision=Decision.UNCHANGED),
        replace(A_PART, protection=replace(PROTECTED, enforce=False)),
        replace(A_PART, decision=Decision.OVERWRITTEN),
        replace(A_PART, decision=Decision.CORRECTED),
    ],
    ids=["unchanged", "only observed", "violation", "earlier push of the same digest"],
)
def test_nothing_to_say(entry):
    """Of all else there is nothing to say, or a violation says it."""
    assert notice(NAME, entry, None) is None


def test_index_that_lists_the_original():
    """The alert of a violation says what an index that lists the original looks like, and what to do."""
    text = Alert.of(violation(lists_recorded=True, pushed=INDEX)).text
    assert f"enforcer tag approve --registry main team/app:1.0 {INDEX}" in text
    assert "buildx 0.22" in text
    assert "settle" in text
    assert "buildx" not in Alert.of(violation(pushed=INDEX)).text
