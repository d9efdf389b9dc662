from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from enforcer.processes.child import Child

FAMILY = """
import os, signal, sys
os.fork()
print(os.getpid(), file=sys.stderr, flush=True)
signal.pause()
"""


def test_what_it_started_is_killed_with_it(tmp_path):
    """Nothing of its process group is left after a kill, and its status names the signal."""
    log = tmp_path / "log"
    with log.open("wb") as errors:
        child = Child([sys.executable, "-ISc", FAMILY], dict(os.environ), errors=errors)
    while len(log.read_text().split()) < 2:
        assert not child.ends_within(0.01)
    child.kill()
    assert child.status == -9
    deadline = time.monotonic() + 5
    while not all(has_ended(pid) for pid in map(int, log.read_text().split())):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_group_that_has_ended_can_be_killed():
    """The end of a process and the wish to end it may cross."""
    child = Child([sys.executable, "-ISc", ""], {})
    assert child.ends_within(10)
    child.kill()
    assert child.status == 0


def has_ended(pid: int) -> bool:
    """Tell whether a process is gone, or a zombie that nothing waits for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
