"""Foreign text in what people read: bounded, told as claimed, and inert in every service that it is sent to."""

from __future__ import annotations

import re
from typing import Protocol

LONGEST = 80
"""Characters shown of a text that a client chose."""

LONGEST_PROBLEM = 500
"""Characters shown of what a registry answered."""

# Mentions, tags of HTML, links of Markdown, and addresses that chats find in a text by themselves.
_LIVE = re.compile(r"[@<]|\](?=\()|:(?=//)|\bwww(?=\.)", re.IGNORECASE)
_BREAK = "\u200b"
_MARKDOWN = re.compile(r"[\\`*_~|#>\[\]()]")


_FINDER = re.compile(r"tag-enforcer (sweep|baseline)")  # as observations name themselves; each client has an address


class Client(Protocol):
    """The claims of an event or a violation."""

    @property
    def actor(self) -> str: ...

    @property
    def address(self) -> str: ...

    @property
    def user_agent(self) -> str: ...


def shortened(text: str, longest: int = LONGEST) -> str:
    """The text, cut where it is longer than people want to read."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def inert(text: str) -> str:
    """The same to read, with nothing that a service would make a mention, a link or markup of.

    Apprise escapes plain text for the markup that a service has, not for its mentions and bare addresses.
    """
    return _LIVE.sub(lambda found: found.group() + _BREAK, text)


def escaped(text: str) -> str:
    """The text as Markdown that shows it as it is."""
    return _MARKDOWN.sub(r"\\\g<0>", text)


def claimed(client: Client) -> str:
    """The client of an event: it chose its address, and where a registry asks for no credentials its name as well.

    What no event told has a finder: ours.
    """
    where = f" from {shortened(client.address)}" if client.address else ""
    if client.actor:
        return f"a client that claims to be {shortened(client.actor)}{where}"
    if where:
        return f"an unknown user (claims to come{where})"
    finder = _FINDER.fullmatch(client.user_agent)
    return f"an unknown user (found by a {finder[1]})" if finder else "an unknown user"
