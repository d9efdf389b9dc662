"""The registry of the demonstration: an installed one, or the container image if that is already here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from enforcer.demo.program import Program
from enforcer.demo.watch import DemoFailed

_PROGRAMS = ("docker-registry", "registry")
_CONTAINER_TOOLS = ("podman", "docker")
_IMAGE = "registry:2"
_TOOL_SECONDS = 20

_CONFIG = """\
version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {storage}}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}", secret: demo}}
"""


@dataclass(frozen=True, slots=True)
class RegistryProgram:
    """A way to run a registry: `tool` is the program, or what runs its container."""

    tool: str
    is_container: bool

    @property
    def name(self) -> str:
        """Its name for people."""
        name = Path(self.tool).name
        return f"{_IMAGE} in {name}" if self.is_container else name

    def start(self, folder: Path, port: int, notifications: str) -> Program:
        """Start it with its files in the folder; `notifications` is that section of its configuration."""
        config = folder / "registry.yml"
        storage = "/var/lib/registry" if self.is_container else json.dumps(str(folder / "registry"))
        config.write_text(_CONFIG.format(storage=storage, port=port) + notifications, encoding="utf-8")
        log = folder / "registry.log"
        if not self.is_container:
            return Program("the registry", [self.tool, "serve", str(config)], log)
        container = f"tag-enforcer-demo-{os.getpid()}"
        return Program("the registry", self._run(container, config), log, remove=lambda: self._remove(container))

    def _run(self, container: str, config: Path) -> list[str]:
        """The host's network, of which it uses 127.0.0.1, and no image but the one that is here."""
        options = ["--rm", "--pull=never", "--network=host", f"--name={container}", "--security-opt=label=disable"]
        mounts = [f"--volume={config}:/demo.yml:ro", "--tmpfs=/var/lib/registry"]
        return [self.tool, "run", *options, *mounts, _IMAGE, "serve", "/demo.yml"]

    def _remove(self, container: str) -> None:
        _runs([self.tool, "rm", "--force", container])


def find_registry(which: Callable[[str], str | None] = shutil.which) -> RegistryProgram:
    """A registry that can be started here without fetching anything. Raises `DemoFailed`."""
    for name in _PROGRAMS:
        if path := which(name):
            return RegistryProgram(path, is_container=False)
    for name in _CONTAINER_TOOLS:
        if (path := which(name)) and _runs([path, "image", "inspect", _IMAGE]):
            return RegistryProgram(path, is_container=True)
    raise DemoFailed(
        f"there is no registry to show it on: neither {' nor '.join(_PROGRAMS)} is on the PATH, and neither "
        f"{' nor '.join(_CONTAINER_TOOLS)} has the image {_IMAGE}. Install one: apt-get install docker-registry"
    )


def _runs(command: Sequence[str]) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - a tool that was found on the PATH, with our arguments
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TOOL_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
