"""`enforcer-worker baseline`: record what is in a registry now."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from enforcer.cli.framework import FAILED, FOUND
from enforcer.cli.parameters import NAMESPACE, REPOSITORY
from enforcer.cli.session import login, registry_of
from enforcer.cli.settings import settings_option
from enforcer.names import Namespace, Repository
from worker.burst import keep_all
from worker.commands.progress import progress
from worker.commands.session import session
from worker.scanning.baseline import Baseline, Report
from worker.scanning.scan import Scan, scan_of


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
            whole = Baseline(context, scan, repositories, scope, forced_by=login() if force else "")
            if whole.resumed:
                click.echo(f"going on where it was stopped: {whole.resumed} repositories were begun", err=True)
            with progress("baseline", "tags") as meter:
                for tags in whole.run():
                    meter.expect(whole.estimate.expected)
                    meter.advance(tags)
        keep_all(context)
    if problem:
        whole.report.problems.append(problem)
    _tell(whole.report, as_json=as_json)
    sys.exit(FOUND if whole.report.differing else FAILED if whole.report.problems else 0)


def _repositories(
    scan: Scan, namespace: Namespace | None, repository: Repository | None
) -> tuple[list[Repository], str]:
    """Those that are asked for, and why not all of them are known."""
    if repository:
        return [repository], ""
    repositories, problem = scan.repositories()
    return [each for each in repositories if namespace in (None, each.namespace)], problem


def _tell(report: Report, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(asdict(report)))
        return
    for difference in report.replaced:
        click.echo(f"{difference.name} was recorded as {difference.recorded} and is now {difference.found}")
    for difference in report.differing:
        click.echo(f"{difference.name} is recorded as {difference.recorded} and is {difference.found or 'gone'}")
    for problem in report.problems:
        click.echo(problem, err=True)
    click.echo(
        f"{report.looked} tags looked at, {report.recorded} recorded, {len(report.replaced)} replaced, "
        f"{len(report.differing)} differ, {len(report.problems)} problems",
        err=True,
    )
