"""`enforcer-worker`: run workers, and the operator's tools."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from enforcer import logs
from enforcer.command_line import read_settings, run, settings_option
from enforcer.queue import Task


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tag-enforcer")
def group() -> None:
    """The workers of Tag Enforcer: judge, keep, restore, alert."""


@group.command(
    "run",
    epilog="""\b
Example:
  enforcer-worker run --processes 2
""",
)
@settings_option
@click.option("--processes", type=click.IntRange(1, 64), help="How many drain the log; default: as configured.")
def run_workers(config: Path | None, processes: int | None) -> None:
    """Run worker processes, one queue each, until told to stop. Any number of hosts may do so."""
    from enforcer.start import prepared
    from enforcer.supervisor import Part, Supervisor
    from worker.timer import Timer

    settings = read_settings(config)
    logs.configure(settings.log_level)
    environment = {"ENFORCER_CONFIG": str(config.absolute())} if config else {}
    command = [sys.executable, "-m", "worker", "work"]
    counts = {task: 1 for task in Task if task is not Task.BASELINE} | {Task.DRAIN: processes or settings.processes}
    parts = [
        Part(f"{task} {slot}", [*command, task, str(slot)], environment)
        for task, count in counts.items()
        for slot in range(1, count + 1)
    ]
    with prepared(settings) as redis:
        timer = Timer(settings, redis)
        timer.begin()
        sys.exit(Supervisor(parts, tick=timer.tick).run())


@group.command(hidden=True)
@settings_option
@click.argument("task", type=click.Choice([task.value for task in Task]))
@click.argument("slot", type=click.IntRange(1))
def work(config: Path | None, task: str, slot: int) -> None:
    """Run one worker process; `run` starts these."""
    from enforcer.database import running_database
    from worker.process import work as run_process

    settings = read_settings(config)
    logs.configure(settings.log_level)
    with running_database(settings.redis_url.get_secret_value(), settings.data_dir) as redis:
        run_process(settings, redis, Task(task), slot)


def main() -> None:
    """The console script."""
    run(group, "enforcer-worker")
