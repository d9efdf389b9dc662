from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(directory, source, *, ci):
    """Run pytest on one file of tests."""
    (directory / "test_it.py").write_text(f"import pytest\n{source}\n")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "tests.no_skips", "-p", "no:cacheprovider", "-c", os.devnull, "."]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "source",
    [
        "@pytest.mark.skip(reason='no registry')\ndef test(): pass",
        "def test(): pytest.skip('no registry')",
        "@pytest.fixture\ndef it(): pytest.skip('no registry')\ndef test(it): pass",
        "pytest.skip('no registry', allow_module_level=True)",
    ],
    ids=["marked", "in the test", "in a fixture", "whole file"],
)
def test_a_skipped_test_fails_in_ci_and_says_why_it_was_skipped(tmp_path, source):
    """In CI a run with a skipped test fails, however it was skipped, and shows the reason."""
    done = run(tmp_path, source, ci="true")
    assert done.returncode != 0
    assert "skipped, which CI does not allow: " in done.stdout
    assert "no registry" in done.stdout


def test_a_skipped_test_is_no_failure_elsewhere(tmp_path):
    """Outside CI a test may be skipped."""
    done = run(tmp_path, "def test_1(): pytest.skip('no registry')\ndef test_2(): pass", ci="")
    assert done.returncode == 0
    assert "1 passed, 1 skipped" in done.stdout


def test_an_expected_failure_is_no_skip(tmp_path):
    """A test that is expected to fail ran, so CI allows it."""
    done = run(tmp_path, "@pytest.mark.xfail\ndef test(): assert False", ci="true")
    assert done.returncode == 0
    assert "1 xfailed" in done.stdout
