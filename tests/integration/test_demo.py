"""The demonstration, run as people run it: what it shows, and that nothing of it is left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

PATIENCE = 90
"""Seconds for one demonstration, on a machine that is busy with other tests."""


class Demo:
    """One run of the command in a process group of its own, whose children are known by a variable."""

    def __init__(self, folder: Path, *arguments: str, path: str = os.environ["PATH"]) -> None:
        self.folder = folder
        self.mark = f"DEMO_TEST={uuid.uuid4()}"
        name, _, value = self.mark.partition("=")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "enforcer", "demo", *arguments],
            env={"PATH": path, "HOME": "/nonexistent", "TMPDIR": str(folder), name: value},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.shown = ""

    def read_until(self, word: str) -> None:
        """Read on to the line that has the word."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.shown += line
            if word in line:
                return
        raise AssertionError(f"{word!r} is not in what the demonstration shows:\n{self.shown}")

    def press_ctrl_c(self) -> None:
        """What a terminal does: the signal goes to the whole process group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> int:
        """Read to the end; returns the exit status."""
        rest, _ = self.process.communicate(timeout=PATIENCE)
        self.shown += rest
        return self.process.returncode

    def processes(self) -> dict[int, str]:
        """What runs, by process id."""
        found = {int(process.name): self._command(process) for process in Path("/proc").glob("[0-9]*")}
        return {number: command for number, command in found.items() if command}

    def files(self) -> list[str]:
        return [path.name for path in self.folder.iterdir()]

    def _command(self, process: Path) -> str:
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            # Valkey writes its title over its environment.
            is_ours = self.mark.encode() in (process / "environ").read_bytes() or f"{self.folder}/" in command
        except OSError:
            return ""
        return command if is_ours else ""


@pytest.fixture
def start(tmp_path_factory):
    """Starts demonstrations, and makes sure of their end."""
    started = []

    def start(*arguments, **options):
        demo = Demo(tmp_path_factory.mktemp("demo"), *arguments, **options)
        started.append(demo)
        return demo

    yield start
    for demo in started:
        demo.process.kill()
        demo.process.communicate()
        for number in demo.processes():  # of a test that failed
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)


def test_the_whole_story(start):
    """The overwritten tag is back with the same bytes, everybody was told, and no process and no file is left."""
    demo = start()
    assert demo.end() == 0, demo.shown
    steps = re.findall(r"^ *[\d.]+ s  (\w+(?: \w+)?) ", demo.shown, flags=re.MULTILINE)
    assert steps == ["ready", "pushed", "recorded", "overwritten", "back", "alert", "same again", "moved", "proof"]
    (original,) = set(re.findall(r'pushed .* is (sha256:\w+), which says "original"', demo.shown))
    assert f"{original} is being put back" in demo.shown
    assert f"{original} again, " in demo.shown
    assert "signature verified" in demo.shown
    assert 'its layer says "original"' in demo.shown
    assert demo.processes() == {}
    assert demo.files() == []


@pytest.mark.parametrize("moment", ["Nothing leaves this machine", "ready", "overwritten  by laptop"])
def test_ctrl_c_in_the_middle(start, moment):
    """Whenever somebody presses Ctrl-C, all that was started ends and is removed."""
    demo = start()
    demo.read_until(moment)
    demo.press_ctrl_c()
    assert demo.end() == 128 + signal.SIGINT, demo.shown
    assert demo.processes() == {}
    assert demo.files() == []


def test_keep(start):
    """With --keep all stays to be played with, until Ctrl-C, which is no failure then."""
    demo = start("--keep")
    demo.read_until("skopeo copy")
    demo.read_until("enforcer violations --config")
    subprocess.run(
        re.findall(r"skopeo copy .*", demo.shown)[0].split(), check=True, capture_output=True, timeout=PATIENCE
    )
    demo.read_until("alert ")
    commands = " ".join(demo.processes().values())
    assert all(part in commands for part in ("docker-registry serve", "valkey-server", "enforcer up", "worker work"))
    demo.press_ctrl_c()
    assert demo.end() == 0, demo.shown
    assert demo.processes() == {}
    assert demo.files() == []


def test_killed(start):
    """What the demonstration cannot end itself ends with it."""
    demo = start()
    demo.read_until("ready")
    demo.process.kill()
    demo.end()
    deadline = time.monotonic() + PATIENCE
    while left := demo.processes():
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def test_broken_registry(start, tmp_path):
    """A part that does not run is named, with the last that it said, and the exit status is 1."""
    broken = tmp_path / "docker-registry"
    broken.write_text("#!/bin/sh\necho 'no space left' >&2\nexit 3\n")
    broken.chmod(0o755)
    demo = start(path=f"{tmp_path}:{os.environ['PATH']}")
    assert demo.end() == 1
    assert "FAILED: the registry has ended, with status 3" in demo.shown
    assert "\n  no space left\n" in demo.shown
    assert demo.processes() == {}
    assert demo.files() == []


def test_no_registry(start, tmp_path):
    """Without a registry it says how to get one."""
    demo = start(path=str(tmp_path))
    assert demo.end() == 1
    assert "apt-get install docker-registry" in demo.shown
