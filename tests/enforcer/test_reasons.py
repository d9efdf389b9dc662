from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enforcer.errors import InvalidName
from enforcer.reasons import LONGEST, read_reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("rebuild", "rebuild"),
        ("  because\nof a\tbug ", "because of a bug"),
        ("修复漏洞 ü", "修复漏洞 ü"),
        ("red \x1b[31mtext\x00", "red \ufffd[31mtext\ufffd"),
        ("\u202eevil", "\ufffdevil"),
        ("x" * LONGEST, "x" * LONGEST),
    ],
)
def test_one_plain_line(text, reason):
    """A reason in any script is kept on one line; what could disturb a terminal or a log is replaced."""
    assert read_reason(text) == reason


@pytest.mark.parametrize(("text", "told"), [("", "needed"), (" \n\u00a0", "needed"), ("x" * (LONGEST + 1), "not 1025")])
def test_what_is_none(text, told):
    """Nothing, and a whole story, are refused."""
    with pytest.raises(InvalidName, match=told):
        read_reason(text)


@given(st.text(min_size=1, max_size=50).filter(lambda text: not text.isspace()))
def test_whatever_somebody_writes(text):
    """What is accepted can be printed, is not empty, and is the same when it is read again."""
    reason = read_reason(text)
    assert reason
    assert reason.isprintable()
    assert read_reason(reason) == reason
