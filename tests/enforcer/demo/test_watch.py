from __future__ import annotations

import os
import signal
import sys

import pytest
import requests

from enforcer.demo.program import Program
from enforcer.demo.watch import DemoFailed, Interrupted, Watch


def raising(*answers):
    """A condition that gives the answers one by one, and raises those that are errors."""
    left = list(answers)

    def condition():
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return condition


def test_waits_for_the_condition():
    """Nothing, and a server that does not answer yet, are waited for."""
    condition = raising(None, False, requests.ConnectionError("refused"), "here")
    assert Watch().until("it", condition) == "here"


def test_deadline():
    """A condition that never holds ends with what was waited for and how long."""
    with pytest.raises(DemoFailed, match=r"^the tide: not within 0.05 seconds$"):
        Watch().until("the tide", lambda: None, seconds=0.05)


def test_other_errors_come_through():
    """An error that no server is to blame for is not waited out."""
    with pytest.raises(KeyError):
        Watch().until("it", raising(KeyError("bug")))


def test_signal_ends_the_wait():
    """Ctrl-C is noted when it comes and raised by the wait, the same for each wait after it."""
    watch = Watch()
    before = signal.getsignal(signal.SIGINT)
    with watch.listening():
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(2):
            with pytest.raises(Interrupted, match="SIGINT"):
                watch.until("it", lambda: None, seconds=5)
    assert watch.signal == signal.SIGINT
    assert signal.getsignal(signal.SIGINT) is before


def test_first_signal_counts():
    """Whoever presses Ctrl-C again while all is being stopped changes nothing."""
    watch = Watch()
    with watch.listening():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
    assert watch.signal == signal.SIGTERM


def test_program_that_ends(tmp_path):
    """A process that ends early is named, even if the condition would hold."""
    watch = Watch()
    with Program("the registry", [sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "log") as program:
        watch.programs.append(program)
        with pytest.raises(DemoFailed, match="the registry has ended, with status 3"):
            watch.until("it", lambda: program.status is not None)
