from __future__ import annotations

import re
from pathlib import Path

import enforcer
import worker
from enforcer.store.wakeups import Task
from tests.fakes.settings import settings
from tests.fakes.stores import stores

CONSTRUCTION = re.compile(
    r"\b(Approvals|Audit|Ledger|Log|Namespaces|PolicyStore|Queues|Unlocks|Violations|WorkQueue)\("
)


def test_limits_come_from_the_settings(redis):
    """Each store keeps as much as is configured."""
    opened = stores(redis, history_limit=7, policies_per_namespace=5)
    assert opened.ledger.history_limit == 7
    assert opened.policies._per_namespace == 5
    assert opened.log._dead_letters == settings().dead_letters


def test_every_task_but_the_drain_has_its_queue(redis):
    """Work that a task is woken for stands in the queue of that task; the drain reads the log."""
    opened = stores(redis)
    assert {queue.task for queue in opened.work} == set(Task) - {Task.DRAIN}


def test_no_other_package_makes_a_store():
    """Stores are made in one place, so none is without the limits that are configured."""
    lines = [
        f"{file}: {line.strip()}"
        for package in (enforcer, worker)
        for file in sorted(Path(package.__path__[0]).rglob("*.py"))
        if "store" not in file.parent.parts[-1:]
        for line in file.read_text(encoding="utf-8").splitlines()
        if CONSTRUCTION.search(line) and not line.startswith("class ")
    ]
    assert lines == []
