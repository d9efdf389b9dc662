from __future__ import annotations

import io
import time
from contextlib import redirect_stderr

import pytest

from tests.fakes.clock import Clock
from worker.commands.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_lines_now_and_then(capsys):
    """Where there is no terminal, a line every ten seconds says how far it is, how fast, and for how long still."""
    clock = Clock()
    with progress("sweep", "tags", monotonic=clock.monotonic) as meter:
        for second in range(25):
            clock.advance(1)
            meter.expect(40_000 if second > 12 else None)
            meter.advance(1000)
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [
        "sweep: 10,000 tags, 1,000/s",
        "sweep: 20,000 of 40,000 tags, 1,000/s, about 20 s left",
    ]


def test_short_work_says_nothing(capsys):
    """What is done within seconds needs no progress."""
    with progress("sweep", "tags", 10) as meter:
        meter.advance(10)
    assert capsys.readouterr().err == ""


def test_a_bar_on_a_terminal():
    """On a terminal a bar shows the work, how much of it is done, and the rate; it ends with what it came to."""
    with redirect_stderr(Terminal()) as terminal, progress("replay", "events", 2000) as meter:
        meter.advance(500)
        time.sleep(0.02)
        meter.expect(1500)
        meter.advance(500)
        time.sleep(0.02)
        meter.advance(500)
    shown = terminal.getvalue()
    assert "replay" in shown
    assert "1,500 of 1,500 events" in shown
    assert "/s" in shown


def test_the_terminal_is_itself_again_after_an_error():
    """Whatever ends the work, the cursor comes back."""

    def be_interrupted():
        with progress("replay", "events") as meter:
            meter.advance(1)
            raise KeyboardInterrupt

    with redirect_stderr(Terminal()) as terminal, pytest.raises(KeyboardInterrupt):
        be_interrupted()
    assert terminal.getvalue().rfind("\x1b[?25h") > terminal.getvalue().rfind("\x1b[?25l") >= 0
