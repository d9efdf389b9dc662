"""`enforcer-worker export` and `import`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from enforcer.cli.framework import FAILED
from enforcer.cli.settings import read_settings, settings_option
from enforcer.store.connection import running_database
from worker.commands.progress import progress
from worker.commands.session import session
from worker.context import Context
from worker.recovery.documents import read_documents
from worker.recovery.transfer import Import, export_events, export_state

SHOWN = 20
"""Lines that cannot be taken and are shown; where a whole file is something else, these say enough."""


@click.command(
    "export",
    epilog="""\b
Examples:
  enforcer-worker export > enforcer.jsonl
  enforcer-worker export --events | gzip > events.jsonl.gz

\b
Each line is a JSON object, with and without --json.
""",
)
@settings_option
@click.option("--events", is_flag=True, help="The archive of accepted events instead, in the form that replay takes.")
@click.option("--json", "as_json", is_flag=True, help="As it is in any case.")
def export_command(config: Path | None, events: bool, as_json: bool) -> None:  # noqa: ARG001 - every command takes it
    """Write records with their history, kept manifests, violations, policies and unlocks, as JSON lines."""
    with session(config, changes=False) as context, progress("export", "lines") as meter:
        for line in export_events(context.log) if events else export_state(context):
            click.echo(line)
            meter.advance(1)


@click.command(
    "import",
    epilog="""\b
Examples:
  enforcer-worker import enforcer.jsonl
  ssh other enforcer-worker export | enforcer-worker import -

\b
Exit status:
  0  every line was taken, or was there already
  1  some lines could not be taken
""",
)
@settings_option
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True, exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object.")
def import_command(config: Path | None, file: Path, as_json: bool) -> None:
    """Take what an export wrote; what is there already stays as it is."""
    settings = read_settings(config)
    with (
        running_database(*settings.database) as redis,
        sys.stdin.buffer if str(file) == "-" else file.open("rb") as stream,
        progress("import", "lines") as meter,
    ):
        whole = Import(Context(settings, redis, consumer="command"))
        for _ in whole.run(read_documents("standard input" if str(file) == "-" else str(file), stream)):
            meter.advance(1)
    report = whole.report
    if as_json:
        counts = {"taken": dict(report.taken), "left": dict(report.left)}
        click.echo(json.dumps(counts | {"problems": report.problems}))
    else:
        for problem in report.problems[:SHOWN]:
            click.echo(problem, err=True)
        if len(report.problems) > SHOWN:
            click.echo(f"… and {len(report.problems) - SHOWN} more, which --json has", err=True)
        if report.problems and not report.taken and not report.left:
            click.echo("none of it is an export; archived events are for enforcer-worker replay", err=True)
        taken = ", ".join(f"{kind} {count}" for kind, count in sorted(report.taken.items()))
        click.echo(f"lines taken: {taken or 'none'}; there already: {report.left.total()}", err=True)
    sys.exit(FAILED if report.problems else 0)
