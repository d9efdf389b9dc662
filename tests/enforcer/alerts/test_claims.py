from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest
import requests

from enforcer.alerts.channels import AppriseChannel
from enforcer.alerts.claims import LONGEST, LONGEST_PROBLEM, claimed, escaped, inert, shortened
from enforcer.alerts.message import Alert, describe
from enforcer.cli.tag.approve import approve
from enforcer.judgement.record import Decision
from enforcer.judgement.violation import State
from enforcer.times import Time
from tests.fakes.events import digest
from tests.fakes.receiver import FakeReceiver
from tests.fakes.smtp import FakeMailServer
from tests.fakes.violations import violation

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")  # Apprise's own affair

HOSTILE = {
    "mentions": "<!channel> <@U1> @everyone @here @all <at>all</at>",
    "links": "[reset your password](http://evil.example) <http://evil.example|reset> www.evil.example",
    "markup": "<a href='//evil.example'>reset</a> *b* _i_ `c` <img src=x>",
}
LIVE = (
    "<!channel",
    "<@",
    "@everyone",
    "@here",
    "@all",
    "<at>",
    "](http",
    "://evil",
    "www.evil",
    "<a ",
    "<img",
    "<http",
)
WEBHOOKS = {
    "slack": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/",
    "slack, as Markdown": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/?format=markdown",
    "slack, as blocks": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/?blocks=yes",
    "discord": f"discord://{'1' * 18}/{'a' * 64}",
    "discord, as Markdown": f"discord://{'1' * 18}/{'a' * 64}?format=markdown",
    "telegram": "tgram://123456789:abcdefg_hijklmnop/12315544/",
    "telegram, as Markdown": "tgram://123456789:abcdefg_hijklmnop/12315544/?format=markdown",
    "mattermost": f"mmost://chat.example/{'a' * 24}",
    "teams": f"workflow://flows.example:443/{'a' * 32}/{'b' * 43}",
}


@pytest.fixture
def receiver(monkeypatch):
    """Every service's web address is this one."""
    with FakeReceiver() as receiver:
        receiver.content = b"ok"
        request = requests.Session.request

        def send(session, method, url, **given):
            assert url
            return request(session, method, receiver.url, **given)

        monkeypatch.setattr(requests.Session, "request", send)
        yield receiver


def sent_texts(value):
    """All texts in a JSON value that are no addresses of Apprise's own pictures and schemas."""
    if isinstance(value, dict):
        shown = {name: each for name, each in value.items() if not name.endswith(("url", "$schema"))}
        return "\n".join(map(sent_texts, shown.values()))
    if isinstance(value, list):
        return "\n".join(map(sent_texts, value))
    return str(value)


@pytest.mark.parametrize("service", WEBHOOKS)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_chat_shows_foreign_text_as_text(receiver, service, hostile):
    """What arrives at a chat mentions no one, links nowhere and has no markup, and still says who it was."""
    AppriseChannel(WEBHOOKS[service]).send(Alert.of(violation(actor=HOSTILE[hostile])))
    (sent,) = receiver.received
    text = sent_texts(json.loads(sent.body))
    assert "claims to be" in text
    assert [live for live in LIVE if live in text] == []


@pytest.mark.parametrize("query", ["", "&format=text", "&format=html"])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_mail_shows_foreign_text_as_text(query, hostile):
    """A mail has no tags, and no addresses that a mail program would find."""
    with FakeMailServer() as mail:
        url = f"mailto://127.0.0.1:{mail.port}?from=a@example.com&to=b@example.com{query}"
        AppriseChannel(url).send(Alert.of(violation(actor=HOSTILE[hostile])))
        (message,) = mail.received
    text = "\n".join(part.get_content() for part in message.walk() if not part.is_multipart())
    assert "claims to be" in text
    assert [live for live in LIVE if live in text] == []


@pytest.mark.parametrize("service", ["discord", "mattermost"])
def test_names_with_marks_of_markdown_are_shown_as_they_are(receiver, service):
    """Where plain text is read as Markdown, what stands for emphasis is escaped."""
    AppriseChannel(WEBHOOKS[service]).send(Alert.of(violation(actor="release_robot_2*")))
    assert r"release\_robot\_2\*" in sent_texts(json.loads(receiver.received[0].body))


def test_backslashes_are_not_interpreted(receiver):
    """A backslash and an n in a name are no new line."""
    AppriseChannel("json://hook.example").send(Alert.of(violation(actor=r"ci\nroot")))
    assert r"claims to be ci\nroot from" in json.loads(receiver.received[0].body)["message"]


def test_ordinary_text_stays_as_it_is():
    """References, digests, times and commands are none of what is broken up."""
    text = "team/app:1.0 in main: enforcer tag approve --registry main team/app:1.0 sha256:ab (10.0.0.7:41188)"
    assert inert(text) == text
    assert escaped("a_b") == r"a\_b"


CLAIMS = {
    "a client that claims to be ci from 10.0.0.7:41188": ("ci", "10.0.0.7:41188", "docker/28"),
    "a client that claims to be ci": ("ci", "", ""),
    "an unknown user (claims to come from 10.0.0.7:41188)": ("", "10.0.0.7:41188", "tag-enforcer sweep"),
    "an unknown user (found by a sweep)": ("", "", "tag-enforcer sweep"),
    "an unknown user": ("", "", ""),
}


@pytest.mark.parametrize("words", CLAIMS)
def test_client_is_told_as_claimed(words):
    """Name and address are the client's own words; what a sweep found is ours, and a client has an address."""
    assert claimed(*CLAIMS[words]) == words


def test_foreign_texts_are_bounded():
    """A name, an address or a registry's answer cannot push what matters out of sight."""
    long = "x" * 10_000
    told = Alert.of(replace(violation(actor=long, address=long), problem=long)).text
    assert len(told) < 2 * LONGEST + LONGEST_PROBLEM + 400
    assert told.count("xx…") == 3
    assert shortened("ci") == "ci"


OWNED = {
    "original_time": Time("2026-11-21T09:00:00.5Z"),
    "original_actor": "ann",
    "original_address": "192.0.2.1:1",
}
CHOICE = (
    ". The original was pushed by a client that claims to be ann from 192.0.2.1:1 at 2026-11-21T09:00:00Z. "
    f"If the other one was meant: enforcer tag approve --registry main team/app:1.0 {digest(2)} --reason '…'"
)


@pytest.mark.parametrize("state", [State.OPEN, State.RESTORED, State.OBSERVED, State.NOT_RESTORABLE])
def test_owner_reads_whose_the_original_is_and_how_to_approve(state):
    """Whose push was refused learns who came first, when, and the command that has theirs instead."""
    assert describe(violation(state=state, **OWNED)).endswith(CHOICE)


def test_command_that_approves_is_one():
    """The command that people are told is understood by the program."""
    words = shlex.split(CHOICE.partition(": enforcer tag approve ")[2])
    given = approve.make_context("approve", words)
    assert (given.params["reference"], given.params["digest"]) == (("team/app", "1.0"), digest(2))


@pytest.mark.parametrize(
    "changes",
    [{"kind": Decision.DELETED, "pushed": None}, {"state": State.APPROVED}, {"state": State.WITHDRAWN}],
    ids=["deleted", "approved", "withdrawn"],
)
def test_nothing_to_approve(changes):
    """A deletion, or what is settled, leaves no choice to tell of."""
    assert "tag approve" not in describe(violation(**OWNED | changes))
