"""`enforcer-worker run`, and the process that it starts for each task."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import click

from enforcer.cli import logs
from enforcer.cli.framework import FAILED
from enforcer.cli.settings import read_settings, settings_option
from enforcer.processes.supervisor import Part, Supervisor
from enforcer.settings.settings import Settings
from enforcer.store.connection import running_database
from enforcer.store.opening import prepared
from enforcer.store.wakeups import Task
from worker.commands.burst import work_off
from worker.commands.timer import Timer
from worker.context import Context
from worker.process import work as run_process

PARTS = {"drain": "drain", "keep": "keep", "restore": "restore", "alert": "alert", "survey": "sweep"}
"""One process each, and a task of the queue that it listens to."""


@click.command(
    epilog="""\b
Examples:
  enforcer-worker run --processes 2
  enforcer-worker run --burst        # do what waits, then end

\b
Exit status:
  0  it was stopped in order, or nothing is left to do
  1  something had to be killed, or is left for want of an answer
"""
)
@settings_option
@click.option("--processes", type=click.IntRange(1, 64), help="How many drain the log; default: as configured.")
@click.option("--burst", is_flag=True, help="End as soon as nothing is left to do.")
def run(config: Path | None, processes: int | None, burst: bool) -> None:
    """Run worker processes, one queue each, until told to stop. Any number of hosts may do so."""
    settings = read_settings(config)
    logs.configure(settings.log_level)
    with prepared(settings) as redis:
        if burst:
            left = work_off(Context(settings, redis, consumer=f"{socket.gethostname()}-burst"))
            for task in left:
                click.echo(f"some of the task {task} is left: it waits for somebody who does not answer", err=True)
            sys.exit(FAILED if left else 0)
        timer = Timer(settings, redis)
        timer.begin()
        sys.exit(Supervisor(_parts(settings, config, processes), tick=timer.tick).run())


def _parts(settings: Settings, config: Path | None, processes: int | None) -> list[Part]:
    environment = {"ENFORCER_CONFIG": str(config.absolute())} if config else {}
    command = [sys.executable, "-m", "worker", "work"]
    return [
        Part(f"{name} {slot}", [*command, name, str(slot)], environment)
        for name in PARTS
        for slot in range(1, 1 + ((processes or settings.processes) if name == "drain" else 1))
    ]


@click.command(hidden=True)
@settings_option
@click.argument("name", type=click.Choice(list(PARTS)))
@click.argument("slot", type=click.IntRange(1))
def work(config: Path | None, name: str, slot: int) -> None:
    """Run one worker process; `run` starts these."""
    settings = read_settings(config)
    logs.configure(settings.log_level)
    with running_database(*settings.database) as redis:
        run_process(settings, redis, Task(PARTS[name]), slot)
