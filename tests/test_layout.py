"""Who imports whom: the layers that the design draws."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OUTSIDE = {"redis", "rq", "flask", "requests", "fakeredis", "gunicorn", "apprise"}
PURE = [
    "enforcer.errors",
    "enforcer.names",
    "enforcer.times",
    "enforcer.events",
    "enforcer.policies.patterns",
    "enforcer.policies.policy",
    "enforcer.policies.policy_set",
    "enforcer.policies.unlock",
    "enforcer.judgement.record",
    "enforcer.judgement.rules",
    "enforcer.notifications.parsing",
    "enforcer.notifications.distribution",
    "enforcer.notifications.harbor",
]


def name_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for package in ("enforcer", "worker") for path in ROOT.glob(f"{package}/**/*.py")}


def imports_of(module, text=None):
    """The modules that a module imports, wherever in it; of our own also the packages that they are in."""
    path = MODULES.get(module)
    tree = ast.parse(path.read_text(encoding="utf-8") if text is None else text)
    package = module if path is not None and path.name == "__init__.py" else module.rpartition(".")[0]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= _imported_from(node, package)
    return {outer for name in found for outer in _with_packages(name)}


def _imported_from(node, package):
    above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    base = ".".join([*above, *([node.module] if node.module else [])])
    return {base} | {f"{base}.{alias.name}" for alias in node.names if f"{base}.{alias.name}" in MODULES}


def _with_packages(name):
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]


def everything_behind(module):
    """All that is imported when a module is, as far as our own packages say."""
    seen, waiting = set(), [module]
    while waiting:
        found = imports_of(waiting.pop()) - seen
        seen |= found
        waiting += found & MODULES.keys()
    return seen


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import redis.client", {"redis", "redis.client"}),
        ("def f():\n  from redis import Redis", {"redis"}),
        ("if TYPE_CHECKING:\n  import rq", {"rq"}),
        ("from . import record", {"enforcer", "enforcer.judgement", "enforcer.judgement.record"}),
        ("from ..policies import policy", {"enforcer", "enforcer.policies", "enforcer.policies.policy"}),
        ("from enforcer.times import Time", {"enforcer", "enforcer.times"}),
        ("JOB = 'worker.jobs.drain'  # import worker", set()),
    ],
)
def test_imports_are_found(text, found):
    """Every way to import something counts; text that only names a module does not."""
    assert imports_of("enforcer.judgement.new", text) == found


def test_all_modules_are_looked_at():
    """The lists of this file name modules that are there."""
    assert set(PURE) <= MODULES.keys()
    assert {"enforcer", "worker", "enforcer.judgement.rules", "worker.jobs"} <= MODULES.keys()
    assert "redis" in everything_behind("enforcer.store.ledger")
    assert "enforcer.judgement.rules" in everything_behind("worker.judging.drain")


@pytest.mark.parametrize("module", sorted(name for name in MODULES if name.partition(".")[0] == "enforcer"))
def test_enforcer_does_not_import_worker(module):
    """`worker` imports `enforcer` and never the other way: jobs are named by their dotted text."""
    assert "worker" not in imports_of(module)


@pytest.mark.parametrize("module", PURE)
def test_rules_and_readers_are_pure(module):
    """What decides, and what reads what strangers send, does no I/O: nothing behind it talks to anything."""
    behind = everything_behind(module)

    assert behind & OUTSIDE == set()
    assert behind & {"socket", "http", "urllib.request", "subprocess", "worker"} == set()


def test_nothing_of_ours_imports_the_tests():
    """What is installed needs no tests."""
    assert not [module for module in MODULES if "tests" in imports_of(module)]
