from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from enforcer.processes.supervisor import Part, Supervisor, next_delay

POLITE = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit()); print(flush=True); signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"


@pytest.fixture(autouse=True)
def log(caplog):
    """Tells what the supervisor has said so far, at every level from information on."""
    caplog.set_level(logging.INFO, logger="enforcer.processes.supervisor")
    return lambda: caplog.messages


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    """The supervisor looks more often than it need."""
    monkeypatch.setattr("enforcer.processes.supervisor._POLL_SECONDS", 0.005)


@pytest.fixture(autouse=True)
def _hangups():
    """A hangup is what it is by default, even where nohup runs the tests."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def note(tmp_path):
    """A file for parts to write into, a line at a time."""
    path = tmp_path / "note"
    path.touch()
    return path


def part(name, script, note, **more):
    """A Python part whose standard output is the note."""
    opened = f"import os; os.dup2(os.open({str(note)!r}, os.O_WRONLY | os.O_APPEND), 1)\n"
    return Part(name, [sys.executable, "-ISc", opened + script], **more)


def lines(note):
    return note.read_text().splitlines()


class Script:
    """A tick that waits for conditions, one after the other, and acts when each is met; fails after 5 seconds."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.deadline = time.monotonic() + 5
        self.failed = False

    def __call__(self):
        if time.monotonic() > self.deadline:
            self.failed = True
            interrupt()
        if self.steps and self.steps[0][0]():
            _, action = self.steps.pop(0)
            action()


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


def terminate():
    os.kill(os.getpid(), signal.SIGTERM)


def run(parts, *steps, grace=5.0):
    """Run the parts through the steps; the status that `run` returns."""
    script = Script(*steps)
    status = Supervisor(parts, tick=script, tick_seconds=0.01, grace=grace).run()
    assert not script.failed, f"waited 5 seconds in vain, {len(script.steps)} steps to go"
    return status


def test_first_delay_doubles_up_to_half_a_minute():
    """A part that keeps ending is started after 0.2 s, 0.4 s, 0.8 s … and at last every 30 s."""
    delays = [next_delay(0.0, ran=0.1)]
    while len(delays) < 10:
        delays.append(next_delay(delays[-1], ran=0.1))
    assert delays == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30])


def test_steady_part_starts_anew():
    """Who ran for a minute begins again with the shortest delay."""
    assert next_delay(30.0, ran=59.9) == 30.0
    assert next_delay(30.0, ran=60.0) == 0.2


def test_crashed_part_is_started_again(note, log):
    """Whatever its status, a part that ends is started again after the announced delay."""
    crash = "import os; print(os.getpid(), flush=True); raise SystemExit(3)"
    began = time.monotonic()
    assert run([part("receiver", crash, note)], (lambda: len(lines(note)) >= 3, terminate)) == 0
    assert time.monotonic() - began > 0.6
    assert len(set(lines(note))) == len(lines(note))
    assert "receiver ended with status 3: starting again in 0.2 s" in log()
    assert "receiver ended with status 3: starting again in 0.4 s" in log()


def test_part_killed_by_a_signal_is_started_again(note, log):
    """The log names the signal that ended a part."""
    script = "import os, signal; print(os.getpid(), flush=True); signal.pause()"

    def kill():
        os.kill(int(lines(note)[0]), signal.SIGKILL)

    steps = [(lambda: lines(note), kill), (lambda: len(lines(note)) == 2, terminate)]
    assert run([part("worker", script, note)], *steps) == 0
    assert "worker was ended by SIGKILL: starting again in 0.2 s" in log()


def test_missing_command_is_tried_again(note, log):
    """A command that does not exist does not take the other parts with it."""
    parts = [Part("ghost", ["/nonexistent/command"]), part("receiver", POLITE, note)]
    steps = [(lambda: sum("ghost ended with status" in line for line in log()) == 2 and lines(note), terminate)]
    assert run(parts, *steps) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_parts_stop_in_reverse_order(note, number):
    """Each part has ended before the one that was started before it is asked to."""
    script = """if 1:
        import signal, sys, time
        def leave(*_):
            print("{0} asked", flush=True); time.sleep(0.03); print("{0} ended", flush=True); sys.exit()
        signal.signal(signal.SIGTERM, leave); print("up", flush=True); signal.pause()
    """
    parts = [part(name, script.format(name), note) for name in ("first", "second", "third")]
    assert run(parts, (lambda: len(lines(note)) == 3, lambda: os.kill(os.getpid(), number))) == 0
    order = [f"{name} {state}" for name in ("third", "second", "first") for state in ("asked", "ended")]
    assert lines(note)[3:] == order


def test_stubborn_part_is_killed_with_its_children(note, log):
    """A part that outlasts the grace is killed, and so is what it started; the status tells."""
    script = f"import os; os.fork()\nprint(os.getpid(), flush=True)\n{STUBBORN}"
    began = time.monotonic()
    assert run([part("worker", script, note)], (lambda: len(lines(note)) == 4, terminate), grace=0.3) == 1
    assert 0.3 < time.monotonic() - began < 3
    assert "worker did not end: killing it" in log()
    wait_until(lambda: all(has_ended(int(line)) for line in lines(note) if line))


def test_second_interrupt_kills_at_once(note):
    """Whoever presses Ctrl-C again does not wait for the grace to pass."""
    again = threading.Timer(0.2, interrupt)
    parts = [part("first", STUBBORN, note), part("second", STUBBORN, note)]
    began = time.monotonic()
    assert run(parts, (lambda: len(lines(note)) == 2, lambda: (again.start(), interrupt())), grace=30) == 1
    assert 0.2 < time.monotonic() - began < 3
    again.join()


def test_second_sigterm_does_not_shorten_the_grace(note):
    """A service manager may repeat itself: a part that needs its time still gets it."""
    slow = """if 1:
        import signal, sys, time
        signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.4), sys.exit())); print(flush=True); signal.pause()
    """
    again = threading.Timer(0.1, terminate)
    assert run([part("worker", slow, note)], (lambda: lines(note), lambda: (again.start(), terminate()))) == 0
    again.join()


def test_leftovers_of_a_crashed_part_are_killed_before_the_next(note):
    """What a dead part started would hold its port or its jobs against its successor."""
    script = """if 1:
        import os, signal, sys
        if os.fork() == 0:
            print(os.getpid(), flush=True); signal.pause()
        signal.sigtimedwait([signal.SIGTERM], 0.1); sys.exit(1)
    """
    assert run([part("receiver", script, note)], (lambda: len(lines(note)) == 2, terminate)) == 0
    wait_until(lambda: all(has_ended(int(line)) for line in lines(note)))


def test_no_zombie_is_left(note):
    """Every process that was started has been waited for."""
    crash = "import os; print(os.getpid(), flush=True)"
    parts = [
        part("crashing", crash, note),
        part("steady", "print(__import__('os').getpid(), flush=True);" + POLITE, note),
    ]
    assert run(parts, (lambda: len(lines(note)) >= 4, terminate)) == 0
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_interrupt_of_the_terminal_does_not_reach_a_part(note):
    """A part leads a session, so the signals of the terminal go past it."""
    script = "import os; print(os.getpid() == os.getsid(0) == os.getpgid(0) != os.getppid(), flush=True)\n" + POLITE
    assert run([part("receiver", script, note)], (lambda: len(lines(note)) == 2, terminate)) == 0
    assert lines(note)[0] == "True"


def test_environment_is_added_to_ours(note, monkeypatch):
    """A part sees our environment and its own values, which win."""
    monkeypatch.setenv("OURS", "1")
    monkeypatch.setenv("BOTH", "ours")
    script = "import os; print(os.environ['OURS'], os.environ['BOTH'], flush=True)\n" + POLITE
    parts = [part("receiver", script, note, environment={"BOTH": "theirs"})]
    assert run(parts, (lambda: len(lines(note)) == 2, terminate)) == 0
    assert lines(note)[0] == "1 theirs"


def test_next_part_waits_until_the_first_is_ready(note, log):
    """Parts after one with `ready` are started when that says so, and it is not asked again."""
    answers = iter([False, False, True])

    def ready():
        assert "second" not in lines(note)
        return next(answers)

    parts = [part("first", POLITE, note, ready=ready), part("second", "print('second', flush=True);" + POLITE, note)]
    assert run(parts, (lambda: "second" in lines(note), terminate)) == 0
    assert next(answers, None) is None
    assert log().index("first is ready") < next(i for i, line in enumerate(log()) if line.startswith("started second"))


def test_ready_that_fails_means_not_yet(note):
    """A check that cannot reach its part yet may raise."""
    answers = iter([ConnectionRefusedError, OSError, None])

    def ready():
        error = next(answers)
        if error:
            raise error
        return True

    parts = [part("first", POLITE, note, ready=ready), part("second", POLITE, note)]
    assert run(parts, (lambda: len(lines(note)) == 2, terminate)) == 0


def test_part_that_never_gets_ready_does_not_hold_up_the_others(note, log, monkeypatch):
    """After a while the other parts are started without it."""
    monkeypatch.setattr("enforcer.processes.supervisor._READY_SECONDS", 0.3)
    parts = [part("first", POLITE, note, ready=lambda: False), part("second", POLITE, note)]
    assert run(parts, (lambda: len(lines(note)) == 2, terminate)) == 0
    assert any(line.startswith("first is not ready") for line in log())


def test_tick_is_called_and_may_fail(note, caplog):
    """The tick comes at its interval; an error in it is logged with its trace, and the parts go on."""
    times = []

    def tick():
        times.append(time.monotonic())
        if len(times) == 4:
            terminate()
        raise RuntimeError("the tick broke")

    assert Supervisor([part("receiver", POLITE, note)], tick=tick, tick_seconds=0.1).run() == 0
    assert len(times) == 4
    assert all(0.1 <= later - earlier < 0.5 for earlier, later in pairwise(times))
    assert [record.levelname for record in caplog.records if record.exc_info] == ["ERROR"] * 4


def test_nohup(note):
    """Who is started by nohup goes on when the terminal hangs up."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    hang_up, went_on = partial(os.kill, os.getpid(), signal.SIGHUP), threading.Event()
    steps = [(lambda: lines(note), hang_up), (lambda: True, went_on.set), (went_on.is_set, terminate)]
    assert run([part("receiver", POLITE, note)], *steps) == 0
    assert went_on.is_set()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_signal_handlers_are_put_back(note):
    """After the run the process reacts to signals as it did before."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    run([part("receiver", POLITE, note)], (lambda: lines(note), terminate))
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has died")
def test_parts_end_when_the_supervisor_is_killed(note):
    """SIGKILL of the supervisor leaves no part behind: each gets a SIGTERM."""
    script = """if 1:
        import os, signal, sys
        def leave(*_):
            print("left", flush=True); sys.exit()
        signal.signal(signal.SIGTERM, leave); print(os.getpid(), flush=True); signal.pause()
    """
    command = part("receiver", script, note).command
    code = (
        f"from enforcer.processes.supervisor import Part, Supervisor; Supervisor([Part('receiver', {command!r})]).run()"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as supervisor:
        wait_until(lambda: lines(note))
        supervisor.kill()
    wait_until(lambda: lines(note)[1:] == ["left"])


def has_ended(pid):
    """Whether there is no such process, or only its zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_until(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "waited 5 seconds in vain"
        time.sleep(0.01)
