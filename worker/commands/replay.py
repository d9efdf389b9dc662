"""`enforcer-worker replay`: judge archived events."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from enforcer.command_line import FOUND, settings_option
from enforcer.errors import InvalidName
from enforcer.times import Time

if TYPE_CHECKING:
    from worker.documents import Document
    from worker.progress import Advance
    from worker.replay import Report


class TimeType(click.ParamType[Time]):
    """An RFC 3339 time on the command line."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Time:
        try:
            return Time(value)
        except InvalidName as error:
            self.fail(str(error), param, ctx)


@click.command(
    epilog="""\b
Examples:
  enforcer-worker replay events-2026-11.jsonl.gz
  enforcer-worker replay --dry-run --since 2026-11-01T00:00:00Z *.jsonl
  enforcer-worker export --events | enforcer-worker replay -

\b
Files hold Distribution envelopes, Harbor payloads or exported events: one JSON
document a line, or one JSON array; gzip too; in any order.

\b
Exit status:
  0  done, and no protected tag was changed in these events
  3  violations were found
"""
)
@settings_option
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--registry", help="Whose events these are, where they do not say; default: the only one configured.")
@click.option("--since", type=TimeType(), help="Only events from this time on.")
@click.option("--until", type=TimeType(), help="Only events before this time.")
@click.option("--dry-run", is_flag=True, help="Change nothing: tell what would be recorded and undone.")
@click.option("--honour-times", is_flag=True, help="Judge by each policy only from when it was in force.")
@click.option("--restore", is_flag=True, help="Have the violations that are found restored and told.")
@click.option("--rejects", type=click.Path(path_type=Path, dir_okay=False), help="Write what is not understood here.")
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object.")
def replay(
    config: Path | None,
    files: tuple[Path, ...],
    registry: str | None,
    since: Time | None,
    until: Time | None,
    dry_run: bool,
    honour_times: bool,
    restore: bool,
    rejects: Path | None,
    as_json: bool,
) -> None:
    """Judge archived events, as if today's policies had always been in force and with no limit on lateness.

    Replaying the same events twice changes nothing.
    """
    from worker.commands.session import chosen_registry, session
    from worker.consequences import keep_originals, set_in_motion
    from worker.progress import progress
    from worker.replay import Archive, DryLedger, Replay, Sorter, always_in_force

    if dry_run and restore:
        raise click.UsageError("--dry-run changes nothing, so it cannot --restore")
    with session(config) as context, tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        policies = context.policies.current()
        ledger = DryLedger(context.ledger) if dry_run else context.ledger
        archive = Archive(chosen_registry(context, registry), since, until)
        whole = Replay(ledger, policies if honour_times else always_in_force(policies), archive)
        refused = stack.enter_context(rejects.open("wb")) if rejects else None
        sorter = Sorter(Path(directory))
        with progress("read", "bytes", _size(files)) as advance:
            for rejected in whole.read(_documents(files, advance), sorter):
                click.echo(f"not understood: {rejected.reason}", err=True)
                if refused:
                    refused.write(rejected.content.rstrip(b"\n") + b"\n")
        with progress("judge", "events", sorter.count) as advance:
            for count, decided in whole.judge(sorter.sorted()):
                if restore:
                    set_in_motion(context, decided)
                elif not dry_run:
                    keep_originals(context, decided)
                advance(count)
    _tell(whole.report, as_json=as_json)
    sys.exit(FOUND if whole.report.violations else 0)


def _documents(files: tuple[Path, ...], advance: Advance) -> Iterator[Document]:
    from worker.documents import read_documents

    for file in files:
        if str(file) == "-":
            yield from read_documents("standard input", sys.stdin.buffer, advance)
            continue
        with file.open("rb") as stream:
            yield from read_documents(str(file), stream, advance)


def _size(files: tuple[Path, ...]) -> float | None:
    """Bytes in all files; None where standard input is one of them."""
    if any(str(file) == "-" for file in files):
        return None
    return sum(file.stat().st_size for file in files)


def _tell(report: Report, *, as_json: bool) -> None:
    from enforcer.alerts import describe

    if as_json:
        violations = [violation.as_dict() for violation in report.violations]
        fields = {"events": report.events, "rejected": report.rejected, "decisions": dict(report.decisions)}
        click.echo(json.dumps(fields | {"violations": violations}))
        return
    for violation in report.violations:
        click.echo(describe(violation))
    decisions = ", ".join(f"{count} {decision}" for decision, count in sorted(report.decisions.items()))
    click.echo(f"{report.events} events: {decisions or 'none'}; {report.rejected} not understood", err=True)
