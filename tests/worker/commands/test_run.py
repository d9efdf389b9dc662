from __future__ import annotations

import pytest

from enforcer.names import Digest
from enforcer.settings.settings import load
from tests.fakes.events import push
from tests.fakes.images import image
from tests.fakes.scans import record_of
from worker.commands import burst
from worker.commands import run as command
from worker.commands.run import PARTS


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(burst, "POLL", 0.005)
    monkeypatch.setattr(burst, "SOON", 0.05)


def test_burst(worker, registry):
    """With --burst everything that waits is done, and the command ends: status 0."""
    for tag in ("1", "2"):
        registry.put_manifest("team/app", tag, image("a"))
    worker.context.log.append([push("1", Digest.of(image("a")), tag="2")])
    result = worker("run", "--burst")
    assert result.exit_code == 0, result.output
    assert record_of(worker.context, "team/app:1") is not None
    assert record_of(worker.context, "team/app:2") is not None


def test_burst_that_cannot_do_everything(worker, registry):
    """What waits for a registry that is away is left and told: status 1."""
    registry.stop()
    result = worker("run", "--burst")
    assert result.exit_code == 1
    assert "some of the task baseline is left" in result.stderr


@pytest.mark.parametrize(("words", "drains"), [([], 3), (["--processes", "2"], 2)])
def test_one_process_for_each_queue(worker, monkeypatch, words, drains):
    """One process listens to each queue, and as many drain the log as are asked for; the supervisor's status counts."""
    worker.write(worker.file.read_text().replace("sweep_rate", "processes = 3\nsweep_rate"))
    parts = []

    class Supervisor:
        def __init__(self, given, *, tick):
            parts.extend(given)
            tick()

        def run(self):
            return 1

    monkeypatch.setattr(command, "Supervisor", Supervisor)
    result = worker("run", *words)
    assert result.exit_code == 1
    names = [part.name.split()[0] for part in parts]
    assert {name: names.count(name) for name in PARTS} == dict.fromkeys(PARTS, 1) | {"drain": drains}
    assert {part.environment["ENFORCER_CONFIG"] for part in parts} == {str(worker.file)}
    assert [claim.key for claim in worker.context.sweeps.claim(9)] == list(load(worker.file, {}).registries)
