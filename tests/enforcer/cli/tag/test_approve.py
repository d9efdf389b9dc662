from __future__ import annotations

import json

import pytest

from enforcer.cli.tag import tag
from enforcer.events import Action, Event
from enforcer.store.approvals import Approvals, Outcome
from enforcer.store.audit import Audit
from enforcer.store.log import Log
from tests.fakes.events import digest

APPROVE = ("team/app:1.0", digest(2), "--reason", "rebuild")


@pytest.fixture
def run(invoke, monkeypatch):
    monkeypatch.setenv("LOGNAME", "joan")
    return lambda *arguments: invoke(tag.lazy["approve"].load(), *arguments)


@pytest.fixture
def becomes(monkeypatch):
    """What the next approval becomes, without a worker."""

    def becomes(outcome):
        monkeypatch.setattr(Approvals, "wait", lambda *_, seconds: outcome if seconds == 10 else None)

    return becomes


def test_who_approves_what(run, becomes, database):
    """The approval is in the log, and in the audit, in the name of whoever is logged in."""
    becomes(Outcome.ADOPTED)
    assert run(*APPROVE).exit_code == 0
    (text,) = Log(database).archive()
    event = Event.from_json(text)
    assert (event.action, str(event.tag_name), event.digest) == (Action.APPROVE, "main/team/app:1.0", digest(2))
    assert (event.actor, event.reason) == ("cli:joan", "rebuild")
    (entry,) = Audit(database).newest()
    assert (entry.by, entry.reason) == ("cli:joan", "rebuild")


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Outcome.ADOPTED, "from now on"),
        (Outcome.EXPECTED, "a push of it to team/app:1.0 is expected"),
        (Outcome.UNCHANGED, "already"),
        (Outcome.WAITING, "takes effect as soon as one runs"),
    ],
)
def test_what_became_of_it(run, becomes, outcome, told):
    """People are told what became of it, and programs get it as JSON; that no worker runs is no failure."""
    becomes(outcome)
    result = run(*APPROVE)
    assert (result.exit_code, told in result.stdout) == (0, True)
    found = json.loads(run(*APPROVE, "--json").stdout)
    assert (found["outcome"], found["id"][:8]) == (outcome, "approve-")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (APPROVE[:2], "--reason"),
        ((*APPROVE[:3], " "), "a reason is needed"),
        (("team/app:1.0", "sha256:x", *APPROVE[2:]), "no digest"),
        (("team/app", *APPROVE[1:]), "write repository:tag"),
        ((*APPROVE, "--registry", "other"), "no registry"),
    ],
)
def test_what_is_refused(run, database, arguments, told):
    """Nothing is approved without a reason, or of what is no tag, digest or registry."""
    result = run(*arguments)
    assert (result.exit_code, told in result.stderr) == (2, True)
    assert list(Log(database).archive()) == list(Audit(database).newest()) == []
