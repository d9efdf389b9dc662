from __future__ import annotations

import os
import sys
import time

import pytest

from enforcer.demo.program import Program

STUBBORN = """
import signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", file=sys.stderr, flush=True)
signal.pause()
"""


def python(code: str):
    return [sys.executable, "-ISc", code]


def lines_of(program, log):
    """What it wrote, once it wrote something."""
    deadline = time.monotonic() + 10
    while not log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return program.last_lines(10)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


def test_a_program_ends_with_its_context(log):
    """It runs inside and has ended after, asked by SIGTERM."""
    with Program("it", python("import signal; signal.pause()"), log) as program:
        assert program.status is None
    assert program.status == -15


def test_a_stubborn_program_is_killed(log):
    """One that does not heed SIGTERM is killed, and what it may have left is removed."""
    removed = []
    with Program("it", python(STUBBORN), log, remove=lambda: removed.append(True), grace=0.1) as program:
        lines_of(program, log)
    assert program.status == -9
    assert removed == [True]


def test_what_it_writes_is_kept(log):
    """The end of its standard error can be shown; standard output, which may hold a token, is not kept."""
    code = "import sys; print('token'); print('one\\ntwo\\nthree', file=sys.stderr)"
    with Program("it", python(code), log) as program:
        assert program.child.ends_within(10)
    assert program.last_lines(2) == ["two", "three"]
    assert "token" not in log.read_text()


def test_ctrl_c_does_not_reach_it(log):
    """It leads a session of its own: the terminal's signals go to us alone."""
    with Program("it", python("import signal; signal.pause()"), log) as program:
        assert os.getsid(program.child.pid) != os.getsid(0)


def test_environment(log, monkeypatch):
    """Variables that would configure a part are left out, and no proxy stands between the parts."""
    monkeypatch.setenv("ENFORCER_LISTEN", "0.0.0.0:1")
    monkeypatch.setenv("REGISTRY_HTTP_ADDR", "0.0.0.0:1")
    monkeypatch.setenv("KEPT", "yes")
    names = "('ENFORCER_LISTEN', 'REGISTRY_HTTP_ADDR', 'KEPT', 'NO_PROXY')"
    code = f"import os, sys; print(*[os.environ.get(name) for name in {names}], file=sys.stderr)"
    with Program("it", python(code), log) as program:
        assert program.child.ends_within(10)
    assert program.last_lines(1) == ["None None yes 127.0.0.1"]
