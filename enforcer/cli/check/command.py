"""`enforcer check`: what is wrong, before it is needed."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from enforcer.cli.check.installation import check_installation
from enforcer.cli.check.result import Level, Result
from enforcer.cli.framework import FAILED
from enforcer.cli.settings import settings_option

_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red"}


@click.command(
    epilog="""\b
Examples:
  enforcer check
  enforcer check --json | jq -r 'select(.level == "failed") | .text'

\b
Exit status:
  0  everything that is needed works, though there may be warnings
  1  something failed
"""
)
@settings_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def check(config: Path | None, as_json: bool) -> None:
    """Say what is wrong, or that Redis and each registry answer with the rights that a restore needs.

    No registry is changed: whether a push would be allowed is found out with one that none can accept.
    """
    status = 0
    for result in check_installation(config):
        click.echo(json.dumps(result.as_dict()) if as_json else _shown(result))
        if result.level is Level.FAILED:
            status = FAILED
    sys.exit(status)


def _shown(result: Result) -> str:
    level = f"{result.level:7}"
    if not os.environ.get("NO_COLOR"):
        level = click.style(level, fg=_COLOURS[result.level])
    return f"{level}  {result.subject}: {result.line}"
