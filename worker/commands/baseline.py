"""`enforcer-worker baseline`: record what is in a registry now."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from enforcer.cli.framework import FAILED, FOUND
from enforcer.cli.parameters import NAMESPACE, REPOSITORY
from enforcer.cli.session import login, registry_of
from enforcer.cli.settings import settings_option
from enforcer.names import Namespace, Repository
from worker.commands.burst import keep_all
from worker.commands.progress import progress
from worker.commands.session import session
from worker.context import Context
from worker.scanning.baseline import Baseline
from worker.scanning.checkpoint import CommandCheckpoint
from worker.scanning.observation_judge import ObservationJudge
from worker.scanning.report import Report
from worker.scanning.scan import Scan, scan_of
from worker.scanning.walk import Walk


@click.command(
    epilog="""\b
Examples:
  enforcer-worker baseline
  enforcer-worker baseline --registry main --namespace team
  enforcer-worker baseline --repository team/app --force

\b
A baseline that was stopped goes on where it was, for a day.

\b
Exit status:
  0  every tag has a record, and it is what the registry has
  1  some could not be looked at
  3  some records differ from the registry, and were left as they are
"""
)
@settings_option
@click.option("--registry", metavar="NAME", help="Name of the registry; default: the only one.")
@click.option(
    "--namespace", metavar="NAME", type=NAMESPACE, help="Only this namespace; _ for repositories without a slash."
)
@click.option("--repository", metavar="REPO", type=REPOSITORY, help="Only this repository.")
@click.option("--force", is_flag=True, help="Replace records by what the registry has; each is noted as approved.")
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object.")
def baseline(
    config: Path | None,
    registry: str | None,
    namespace: Namespace | None,
    repository: Repository | None,
    force: bool,
    as_json: bool,
) -> None:
    """Record every tag that has no record yet, and keep the manifests of protected ones.

    A record that is there stays, and is reported where it differs from the registry.
    """
    if repository and namespace not in (None, repository.namespace):
        raise click.UsageError(f"{repository} is not in the namespace {namespace}")
    with session(config) as context:
        name = registry_of(context.settings, registry)
        scope = f"command:{name} {namespace or ''} {repository or ''}{' --force' if force else ''}"
        with scan_of(context, name) as scan:
            repositories, problem = _repositories(scan, namespace, repository)
            report = _record(context, scan, repositories, scope, login() if force else "")
        keep_all(context)
    report.note_problem(problem)
    _print(report, as_json=as_json)
    sys.exit(FOUND if report.drift else FAILED if report.problems else 0)


def _record(context: Context, scan: Scan, repositories: Sequence[Repository], scope: str, forced_by: str) -> Report:
    """Record these repositories, on from where a command of the same scope was stopped."""
    kept = CommandCheckpoint(context.redis, scope)
    checkpoint = kept.read(repositories, context.timing.now())
    if checkpoint.begun:
        place = f"repository {checkpoint.begun} of {len(repositories)}"
        click.echo(f"going on where it was stopped: {place}", err=True)
    judge = ObservationJudge.of(context, scan, "baseline")
    walk = Walk(
        scan, repositories, checkpoint, Baseline(checkpoint.report, judge, context.stores.audit, forced_by=forced_by)
    )
    with progress("baseline", "tags") as meter:
        for tags in walk.run():
            kept.keep(walk.settled)
            meter.expect(walk.estimate.expected)
            meter.advance(tags)
    kept.forget()
    return walk.report


def _repositories(
    scan: Scan, namespace: Namespace | None, repository: Repository | None
) -> tuple[list[Repository], str]:
    """The repositories that are asked for, and why not all of them are known."""
    if repository:
        return [repository], ""
    repositories, problem = scan.repositories()
    return [each for each in repositories if namespace in (None, each.namespace)], problem


def _print(report: Report, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report.of_baseline()))
        return
    for difference in report.replaced:
        click.echo(f"{difference.name} was recorded as {difference.recorded} and is now {difference.found}")
    for difference in report.drifted:
        click.echo(f"{difference.name} is recorded as {difference.recorded} and is {difference.found or 'gone'}")
    for problem in report.problems:
        click.echo(problem, err=True)
    click.echo(
        f"{report.looked} tags looked at, {report.recorded} recorded, {report.followed} replaced, "
        f"{report.drift} differ, {len(report.problems)} problems",
        err=True,
    )
