"""`enforcer-worker sweep`: compare registries with the ledger."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from enforcer.command_line import FAILED, FOUND, settings_option


@click.command(
    epilog="""\b
Examples:
  enforcer-worker sweep
  enforcer-worker sweep --report-only --json

\b
Exit status:
  0  every protected tag is what it should be
  1  some could not be looked at
  3  some had drifted; without --report-only they are being restored
"""
)
@settings_option
@click.option("--registry", help="Which registry; may be left out where only one is configured.")
@click.option("--namespace", help="Only this namespace.")
@click.option("--report-only", is_flag=True, help="Change nothing.")
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object.")
def sweep(config: Path | None, registry: str | None, namespace: str | None, report_only: bool, as_json: bool) -> None:
    """Compare every protected tag with the registry, and restore what drifted."""
    from worker.commands.session import chosen_registry, session, survey_of
    from worker.progress import progress
    from worker.sweep import Report, Sweep, sole_sweep

    with session(config) as context:
        name = chosen_registry(context, registry)
        item = f"{name}/{namespace}" if namespace else name
        whole = Sweep(context, survey_of(context, name), Report(), namespace=namespace or "", report_only=report_only)
        with progress("sweep", "tags") as advance, sole_sweep(context, item) as renew:
            for _ in whole.run(float("inf")):
                advance(1)
                renew()
    report = whole.report
    if as_json:
        click.echo(json.dumps(asdict(report)))
    else:
        for drift in report.drifted:
            click.echo(f"{drift.name} should be {drift.recorded} and is {drift.found or 'gone'}")
        for problem in report.problems:
            click.echo(problem, err=True)
        click.echo(
            f"{report.looked} tags looked at, {report.recorded} recorded, {len(report.drifted)} drifted, "
            f"{len(report.problems)} problems",
            err=True,
        )
    sys.exit(FOUND if report.drifted else FAILED if report.problems else 0)
