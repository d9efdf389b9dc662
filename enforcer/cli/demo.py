"""`enforcer demo`: see it work."""

from __future__ import annotations

import sys

import click

from enforcer.demo.play import play
from enforcer.demo.screen import Screen


@click.command(
    epilog="""\b
Examples:
  enforcer demo
  enforcer demo --keep

\b
Exit status:
  0  the registry serves the original bits again
  1  it does not, or there is no registry to show it on
"""
)
@click.option("--keep", is_flag=True, help="Leave all of it running to play with, until Ctrl-C.")
def demo(keep: bool) -> None:
    """Overwrite a tag on a real registry, and watch it come back.

    Takes some seconds, needs docker-registry (or the image registry:2 for podman or docker), uses nothing but
    127.0.0.1, and leaves nothing behind.
    """
    sys.exit(play(Screen(), keep=keep))
