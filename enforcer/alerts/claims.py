"""Foreign text in what people read: bounded, told as claimed, and inert in every service that it is sent to."""

from __future__ import annotations

import re

LONGEST = 80
"""Characters shown of a text that a client chose."""

LONGEST_PROBLEM = 500
"""Characters shown of what a registry answered."""

# Mentions, tags of HTML, links of Markdown, and addresses that chats find in a text by themselves.
_LIVE = re.compile(r"[@<]|\](?=\()|:(?=//)|\bwww(?=\.)", re.IGNORECASE)
_BREAK = "\u200b"
_MARKDOWN = re.compile(r"[\\`*_~|#>\[\]()]")


_FINDER = re.compile(r"tag-enforcer (sweep|baseline)")  # as observations name themselves; each client has an address


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


def claimed(actor: str, address: str, user_agent: str = "") -> str:
    """The client of an event: it chose its address, and where a registry asks for no credentials its name as well.

    What no event told has a finder, which is ours.
    """
    where = f" from {shortened(address)}" if address else ""
    if actor:
        return f"a client that claims to be {shortened(actor)}{where}"
    if where:
        return f"an unknown user (claims to come{where})"
    finder = found_by(actor, address, user_agent)
    return f"an unknown user ({finder})" if finder else "an unknown user"


def found_by(actor: str, address: str, user_agent: str) -> str:
    """Our own look that found it, in words; nothing for what a client did."""
    finder = None if actor or address else _FINDER.fullmatch(user_agent)
    return f"found by a {finder[1]}" if finder else ""
