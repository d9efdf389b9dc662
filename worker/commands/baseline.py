"""`enforcer-worker baseline`: record what is in a registry now."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from enforcer.command_line import settings_option
from enforcer.names import Repository


@click.command(
    epilog="""\b
Examples:
  enforcer-worker baseline
  enforcer-worker baseline --registry main --namespace team
  enforcer-worker baseline --repository team/app --force

\b
A baseline that was stopped goes on where it was.
"""
)
@settings_option
@click.option("--registry", help="Which registry; may be left out where only one is configured.")
@click.option("--namespace", help="Only this namespace.")
@click.option("--repository", help="Only this repository.")
@click.option("--force", is_flag=True, help="Replace records by what the registry has; each is noted as approved.")
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object.")
def baseline(
    config: Path | None,
    registry: str | None,
    namespace: str | None,
    repository: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Record every tag that has no record yet, and keep the manifests of protected ones.

    A record that is there stays, and is reported where it differs from the registry.
    """
    from worker.baseline import Baseline
    from worker.commands.session import chosen_registry, session, survey_of
    from worker.progress import progress

    def wanted(name: Repository) -> bool:
        return namespace in (None, name.namespace) and repository in (None, name)

    with session(config) as context:
        name = chosen_registry(context, registry)
        scope = f"{name}/{repository or namespace or ''}{':force' if force else ''}"
        whole = Baseline(context, survey_of(context, name), scope, wanted, force=force)
        with progress("baseline", "tags") as advance:
            for _ in whole.run():
                advance(1)
    if as_json:
        click.echo(json.dumps(asdict(whole.report)))
        return
    for difference in whole.report.differing:
        click.echo(f"{difference.name} is recorded as {difference.recorded} and is {difference.found or 'gone'}")
    for problem in whole.report.problems:
        click.echo(problem, err=True)
    report = whole.report
    click.echo(
        f"{report.looked} tags looked at, {report.recorded} recorded, {len(report.differing)} differ, "
        f"{len(report.problems)} problems",
        err=True,
    )
