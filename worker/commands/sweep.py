"""`enforcer-worker sweep`: compare a registry with the ledger."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from enforcer.cli.framework import FAILED, FOUND
from enforcer.cli.parameters import NAMESPACE, SINCE
from enforcer.cli.session import registry_of
from enforcer.cli.settings import settings_option
from enforcer.names import Namespace, RegistryName, TagName
from enforcer.times import Time
from worker.commands.burst import keep_all, restore_all
from worker.commands.progress import progress
from worker.commands.session import session
from worker.context import Context
from worker.scanning.checkpoint import Checkpoint
from worker.scanning.report import Report, remember
from worker.scanning.scan import scan_of
from worker.scanning.sweep import sweep_walk
from worker.scanning.sweep_lock import sweep_lock


@click.command(
    epilog="""\b
Examples:
  enforcer-worker sweep
  enforcer-worker sweep --report-only --json
  enforcer-worker sweep --deep --since 2026-11-01T00:00:00Z

\b
Exit status:
  0  every protected tag is what it must be, with all manifests that it lists
  1  some could not be looked at
  3  some had drifted, or could not be pulled
"""
)
@settings_option
@click.option("--registry", metavar="NAME", help="Name of the registry; default: the only one.")
@click.option(
    "--namespace", metavar="NAME", type=NAMESPACE, help="Only this namespace; _ for repositories without a slash."
)
@click.option(
    "--since", type=SINCE, metavar="TIME", help="Only tags recorded since then, as since 2h ago, or not at all."
)
@click.option("--deep", is_flag=True, help="Look for the layers as well, without which no tag can be pulled.")
@click.option("--report-only", is_flag=True, help="Change nothing.")
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object.")
def sweep(
    config: Path | None,
    registry: str | None,
    namespace: Namespace | None,
    since: Time | None,
    deep: bool,
    report_only: bool,
    as_json: bool,
) -> None:
    """Compare every protected tag with the registry, and restore what drifted.

    Waits until what it found is restored, by itself or by the workers that run.
    """
    with session(config, changes=not report_only) as context:
        name = registry_of(context.settings, registry)
        report = _compare(context, name, namespace, report_only=report_only, deep=deep, since=since)
        unrestored: list[TagName] = []
        if not report_only:
            if since is None:
                remember(context.redis, f"{name}/{namespace}" if namespace else name, report, context.timing.now())
            keep_all(context)
            unrestored = restore_all(context, [TagName.parse(drift.name) for drift in report.drifted])
    _print(report, unrestored, as_json=as_json)
    sys.exit(FOUND if report.drift or report.broken else FAILED if report.problems else 0)


def _compare(
    context: Context,
    registry: RegistryName,
    namespace: Namespace | None,
    *,
    report_only: bool,
    deep: bool,
    since: Time | None,
) -> Report:
    """Sweep the registry, or a namespace of it, when its turn has come."""
    with (
        sweep_lock(context.redis, registry, wait=context.timing.lock_wait) as check,
        scan_of(context, registry) as scan,
    ):
        repositories, problem = scan.repositories()
        wanted = [each for each in repositories if namespace in (None, each.namespace)]
        checkpoint = Checkpoint(context.timing.now())
        checkpoint.report.note_problem(problem)
        walk = sweep_walk(
            context, scan, wanted, checkpoint, check, report_only=report_only, children=True, deep=deep, since=since
        )
        with progress("sweep", "tags") as meter:
            for tags in walk.run():
                meter.expect(walk.estimate.expected)
                meter.advance(tags)
    return walk.report


def _print(report: Report, unrestored: Sequence[TagName], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report.of_sweep() | {"unrestored": [str(name) for name in unrestored]}))
        return
    for drift in report.drifted:
        click.echo(drift.text)
    for broken in report.broken:
        click.echo(broken)
    for problem in report.problems:
        click.echo(problem, err=True)
    for name in unrestored:
        click.echo(f"{name} is not restored yet; see enforcer violations", err=True)
    click.echo(
        f"{report.looked} tags looked at, {report.recorded} recorded, {report.followed} followed, "
        f"{report.drift} drifted, {len(report.problems)} problems",
        err=True,
    )
