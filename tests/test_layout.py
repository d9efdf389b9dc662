"""The layout stays one that can be surveyed: few rooms, small files, short functions. pyproject.toml has the layers."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for package in ("enforcer", "worker") for path in ROOT.glob(f"{package}/**/*.py"))
LONGEST_FILE = 250
LONGEST_FUNCTION = 30
TO_BE_SPLIT = {
    "enforcer/store/embedded.py",
    "worker/enforcement/restore.py",
}
"""Files that were longer when the limit came."""


@pytest.mark.parametrize(("folder", "most"), [("enforcer", 21), ("worker", 15), ("enforcer/web", 12)])
def test_few_rooms(folder, most):
    """A folder holds few modules and packages, so that a newcomer finds the right one by its name."""
    rooms = {path.name for path in (ROOT / folder).iterdir()} - {"__pycache__"}
    assert len(rooms) <= most, sorted(rooms)


def test_files_are_small():
    """A file is about one noun, and fits into a head."""
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name for name, length in lengths.items() if length > LONGEST_FILE} <= TO_BE_SPLIT


def body_lines(text: str) -> dict[str, int]:
    """The lines below each function's signature: the parameters of a command are declarations of its options."""
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    return {node.name: node.end_lineno - node.body[0].lineno + 1 for node in functions}


def test_functions_are_short():
    """A function does one thing."""
    lengths = {
        f"{path.relative_to(ROOT)}: {name}": length
        for path in SOURCES
        for name, length in body_lines(path.read_text(encoding="utf-8")).items()
    }
    assert len(lengths) > 1000
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def test_what_counts_as_the_body():
    """Decorators and parameters do not; the docstring does."""
    assert body_lines('@option(\n  1\n)\ndef f(\n  a,\n):\n  """Text."""\n  b\n  c\n') == {"f": 3}
