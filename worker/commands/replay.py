"""`enforcer-worker replay`: judge archived events."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from enforcer.alerts.claims import claimed
from enforcer.cli.framework import FAILED, FOUND
from enforcer.cli.parameters import SINCE
from enforcer.cli.session import registry_of
from enforcer.cli.settings import settings_option
from enforcer.judgement.record import Record
from enforcer.names import TagName
from enforcer.times import Time
from worker.commands.burst import restore_all
from worker.commands.progress import Meter, progress
from worker.commands.session import session
from worker.judging.effects import Effects
from worker.recovery.archive import Archive
from worker.recovery.documents import Document, read_documents
from worker.recovery.dry_ledger import DryLedger
from worker.recovery.external_sort import ExternalSort
from worker.recovery.replay import Replay, prepared_replay

FILE: click.Path = click.Path(path_type=Path, allow_dash=True, exists=True, dir_okay=False)
SHOWN = 20
"""Lines that are not understood and shown at once; `--rejects` has them all."""


@click.command(
    epilog="""\b
Examples:
  enforcer-worker replay events-2026-11.jsonl.gz
  enforcer-worker replay --dry-run --since 2026-11-01T00:00:00Z *.jsonl
  enforcer-worker export --events | enforcer-worker replay -

\b
Files hold Distribution envelopes, Harbor payloads or exported events: one
JSON document a line, or one JSON array; gzip too; in any order.

\b
Exit status:
  0  done, and no protected tag was changed in these events
  1  nothing was done, or nothing was understood
  3  done, and some violations were found
"""
)
@settings_option
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@click.option(
    "--registry", metavar="NAME", help="Whose events these are, where they do not say; default: the only one."
)
@click.option(
    "--since", type=SINCE, metavar="TIME", help="Only events from 2026-11-22T04:06:40Z on, or from 2h ago on."
)
@click.option("--until", type=SINCE, metavar="TIME", help="Only events before this time, or before 2h ago.")
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
    """Judge archived events, as if today's policies had always been in force.

    Replaying the same events twice changes nothing.
    """
    if dry_run and restore:
        raise click.UsageError("--dry-run changes nothing, so it cannot --restore")
    _refuse_as_rejects(files, rejects)
    with session(config, changes=not dry_run) as context, ExternalSort() as sorter, ExitStack() as stack:
        known = context.settings.registries
        foreign = registry_of(context.settings, registry) if registry or len(known) == 1 else None
        archive = Archive(foreign, known, since, until)
        rejected = _read(files, archive, sorter, rejects)
        whole = stack.enter_context(prepared_replay(context, dry_run=dry_run, honour_times=honour_times))
        whole.report.rejected = rejected
        effects = Effects.of(context)
        with progress("judge", "events", sorter.count) as meter:
            for count, decided in whole.run(sorter.sorted()):
                if restore:
                    effects.apply(decided)
                elif not dry_run:
                    effects.keep_originals(decided)
                meter.advance(count)
        if restore:
            restore_all(context, list({violation.name for violation in whole.found}))
        _tell(whole, as_json=as_json)
        sys.exit(FOUND if len(whole.found) else FAILED if rejected and not whole.report.events else 0)


def _refuse_as_rejects(files: tuple[Path, ...], rejects: Path | None) -> None:
    """Wrong usage if a file that is read is to be written, which would empty it first."""
    for file in files:
        if rejects and rejects.exists() and str(file) != "-" and file.samefile(rejects):
            raise click.UsageError(f"--rejects {rejects} is {file}, which is read: name another file")


def _read(files: tuple[Path, ...], archive: Archive, sorter: ExternalSort, rejects: Path | None) -> int:
    """Sort what is asked for; returns how much was not understood."""
    rejected = 0
    with progress("read", "bytes", _size(files)) as meter, ExitStack() as stack:
        refused = stack.enter_context(rejects.open("wb")) if rejects else None
        for document in _documents(files, meter):
            reading = archive.read(document)
            for event in reading.events:
                sorter.add(event)
            for each in reading.rejected:
                rejected += 1
                if rejected <= SHOWN:
                    click.echo(f"not understood: {document.where}: {each.reason}", err=True)
                if refused and each.content:
                    refused.write(each.content.rstrip(b"\n") + b"\n")
    return rejected


def _documents(files: tuple[Path, ...], meter: Meter) -> Iterator[Document]:
    for file in files:
        if str(file) == "-":
            yield from read_documents("standard input", sys.stdin.buffer, meter.advance)
            continue
        with file.open("rb") as stream:
            yield from read_documents(str(file), stream, meter.advance)


def _size(files: tuple[Path, ...]) -> float | None:
    """Bytes in all files; None where one of them has no size, as standard input has none."""
    sizes = [0 if str(file) == "-" else file.stat().st_size for file in files]
    return sum(sizes) if all(sizes) else None


def _tell(whole: Replay, *, as_json: bool) -> None:
    report = whole.report
    if as_json:
        counts = {"events": report.events, "rejected": report.rejected, "decisions": dict(report.decisions)}
        click.echo(json.dumps(counts)[:-1], nl=False)
        _tell_list(
            "records", ({"name": str(name), **_digests(before, after)} for name, before, after in _differences(whole))
        )
        _tell_list("violations", (violation.as_dict() for violation in whole.found))
        click.echo("}")
        return
    for name, before, after in _differences(whole):
        digests = _digests(before, after)
        click.echo(f"{name} would be recorded as {digests['after']} instead of {digests['before'] or 'nothing'}")
    for violation in whole.found:
        who = claimed(violation.actor, violation.address, violation.user_agent)
        what = f"deleted by {who}" if violation.pushed is None else f"overwritten with {violation.pushed} by {who}"
        click.echo(f"{violation.name} was {what} at {violation.time[:19]}Z; it should be {violation.recorded}")
    decisions = ", ".join(f"{count} {decision}" for decision, count in sorted(report.decisions.items()))
    click.echo(f"{report.events} events: {decisions or 'none'}; {report.rejected} not understood", err=True)


def _differences(whole: Replay) -> Iterator[tuple[TagName, Record | None, Record | None]]:
    ledger = whole.judge.ledger
    return ledger.differences() if isinstance(ledger, DryLedger) else iter(())


def _digests(before: Record | None, after: Record | None) -> dict[str, str | None]:
    return {"before": before.digest if before else None, "after": after.digest if after else None}


def _tell_list(name: str, values: Iterable[Any]) -> None:
    """One field of a JSON object, a value at a time, since there may be many."""
    click.echo(f', "{name}": [', nl=False)
    for number, value in enumerate(values):
        click.echo(f"{',' if number else ''}\n{json.dumps(value)}", nl=False)
    click.echo("]", nl=False)
