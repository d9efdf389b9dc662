from __future__ import annotations

import re

import pytest

from enforcer.demo.screen import Screen

LONG = "word " * 60 + "[not markup] sha256:0123"


def test_plain_lines(capsys):
    """Elsewhere than on a terminal a step is one line, however long, without colours and as it was written."""
    Screen().step("alert", LONG, style="red", at=1.5)
    assert capsys.readouterr().out == f"  1.50 s  alert        {LONG}\n"


def test_asides_stand_below_the_text(capsys):
    """What is more to say begins where the step's text does."""
    screen = Screen()
    screen.step("alert", "TEXT")
    screen.aside(f"TEXT {LONG}")
    step, aside = capsys.readouterr().out.splitlines()
    assert step.index("TEXT") == aside.index("TEXT")


def test_time_since_the_beginning(capsys):
    """A step that has just happened is given the time that passed."""
    screen = Screen()
    screen._began -= 12.34
    screen.step("pushed", "it")
    (seconds,) = re.findall(r"^ +([\d.]+) s ", capsys.readouterr().out)
    assert float(seconds) == pytest.approx(12.34, abs=1)


def test_terminal(capsys, monkeypatch):
    """On a terminal a long text is folded into its column."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    Screen().step("alert", LONG, at=1.5)
    lines = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out).splitlines()
    assert len(lines) > 3
    assert all(line.startswith(" " * 23) for line in lines[1:])
    assert " ".join(" ".join(lines).split()).endswith(LONG)
