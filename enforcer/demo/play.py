"""One demonstration from beginning to end."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from redis import RedisError
from requests import RequestException

from enforcer.demo.registry import find_registry
from enforcer.demo.screen import Screen
from enforcer.demo.stage import LATEST, RELEASE, REPOSITORY, Stage, build
from enforcer.demo.story import Story
from enforcer.demo.watch import Interrupted, Watch
from enforcer.errors import EnforcerError
from enforcer.manifests import OCI_MANIFEST

_PREFIX = "tag-enforcer-demo-"
_LOG_LINES = 15
_POLL_SECONDS = 0.1


def play(screen: Screen, *, keep: bool) -> int:
    """Tell the story, end all processes and remove all files; returns the exit status. Main thread only.

    With `keep` all goes on until Ctrl-C, which is then the proper end.
    """
    watch = Watch()
    with (
        watch.listening(),
        tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as folder,
        _stopping_at_the_end(screen) as stack,
    ):
        try:
            _perform(screen, watch, stack, Path(folder), keep=keep)
        except (EnforcerError, RequestException, RedisError, OSError) as error:
            if watch.signal is not None:  # whatever failed then failed of it
                screen.say("ended by a signal: all of it is removed", "yellow")
                return 128 + watch.signal
            _explain(screen, watch, error)
            return 1
    return 0


@contextmanager
def _stopping_at_the_end(screen: Screen) -> Iterator[ExitStack]:
    with ExitStack() as stack:
        try:
            yield stack
        finally:
            with screen.busy("stopping everything"):
                stack.close()


def _perform(screen: Screen, watch: Watch, stack: ExitStack, folder: Path, *, keep: bool) -> None:
    program = find_registry()
    screen.say("An immutable tag is overwritten and comes back. Nothing leaves this machine.", "bold")
    with screen.busy("starting a registry and Tag Enforcer"):
        stage = build(stack, folder, program, watch)
    _introduce(screen, stage)
    Story(stage, watch, screen).tell()
    if keep:
        _keep(screen, watch, stage)


def _explain(screen: Screen, watch: Watch, error: Exception) -> None:
    """Say what went wrong, while the parts still run: their logs then end with it, not with how they were stopped."""
    screen.say(f"FAILED: {error}", "bold red")
    for program in watch.programs:
        if lines := program.last_lines(_LOG_LINES):
            screen.lines(f"The last lines of {program.name}:", lines)


def _introduce(screen: Screen, stage: Stage) -> None:
    addresses = f"{stage.registry_name} on {stage.registry_url}, Tag Enforcer on {stage.settings.public_url}"
    screen.step("ready", addresses)
    screen.aside(f"policy: no tag of {REPOSITORY.namespace}/** may change, except {LATEST.tag}")


def _keep(screen: Screen, watch: Watch, stage: Stage) -> None:
    """Leave everything to be played with, and show what alerts come, until a signal does."""
    host = stage.registry_url.removeprefix("http://")
    manifests = f"{stage.registry_url}/v2/{REPOSITORY}/manifests"
    bad, good = (f"docker://{host}/{name.reference}" for name in (LATEST, RELEASE))
    screen.lines(
        "All of it runs until Ctrl-C. Overwrite the tag yourself, then look:",
        [
            f"skopeo copy --src-tls-verify=false --dest-tls-verify=false {bad} {good}",
            f"curl -sI -H 'Accept: {OCI_MANIFEST}' {manifests}/{RELEASE.tag} | grep -i digest",
            f"enforcer violations --config {stage.config}",
        ],
    )
    try:
        while True:
            watch.check()
            if (alert := stage.webhook.take()) is not None:
                screen.step("alert", alert.fields["text"], style="yellow")
            time.sleep(_POLL_SECONDS)
    except Interrupted:
        screen.say("all of it is removed")
