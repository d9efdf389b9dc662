from __future__ import annotations

import pytest

from enforcer.demo.registry import find_registry
from enforcer.demo.watch import DemoFailed


@pytest.fixture
def path(tmp_path):
    """A directory of programs."""

    class Folder:
        def add(self, name: str, script: str = "exit 0") -> str:
            file = tmp_path / name
            file.write_text(f"#!/bin/sh\n{script}\n")
            file.chmod(0o755)
            return str(file)

        def which(self, name: str) -> str | None:
            file = tmp_path / name
            return str(file) if file.exists() else None

    return Folder()


def test_installed_registry(path):
    """An installed registry is preferred to a container, whatever it is called."""
    path.add("podman")
    path.add("registry")
    assert find_registry(path.which).name == "registry"
    debian = path.add("docker-registry")
    assert find_registry(path.which).tool == debian


def test_container(path, tmp_path):
    """A tool that has the image will do; it is asked for that image and nothing is fetched."""
    path.add("docker", f'echo "$@" > {tmp_path}/asked')
    found = find_registry(path.which)
    assert found.is_container
    assert found.name == "registry:2 in docker"
    assert (tmp_path / "asked").read_text() == "image inspect registry:2\n"


def test_container_tool_without_the_image(path):
    """A tool without the image is passed over."""
    path.add("podman", "exit 125")
    docker = path.add("docker")
    assert find_registry(path.which).tool == docker


def test_no_registry(path):
    """Without any the error says how to install one."""
    path.add("podman", "exit 125")
    with pytest.raises(DemoFailed, match="apt-get install docker-registry"):
        find_registry(path.which)


def started(program, folder, output):
    running = program.start(folder, 1234, "notifications: {}\n")
    assert running.child.ends_within(10)
    running.stop()
    return output.read_text().split()


def test_installed_registry_is_started_with_its_configuration(path, tmp_path):
    """It serves on 127.0.0.1 only, keeps its files in the folder, and is told where to send notifications."""
    output = tmp_path / "arguments"
    path.add("docker-registry", f'echo "$@" > {output}')
    config = tmp_path / "registry.yml"
    assert started(find_registry(path.which), tmp_path, output) == ["serve", str(config)]
    text = config.read_text()
    assert 'addr: "127.0.0.1:1234"' in text
    assert f'rootdirectory: "{tmp_path}/registry"' in text
    assert text.endswith("notifications: {}\n")


def test_container_is_started_from_what_is_here(path, tmp_path):
    """It is never pulled, goes when it ends, and gets its configuration read-only."""
    output = tmp_path / "arguments"
    path.add("podman", f'if [ "$1" = run ]; then echo "$@" > {output}; fi')
    arguments = started(find_registry(path.which), tmp_path, output)
    assert {"--rm", "--pull=never", "--network=host", f"--volume={tmp_path}/registry.yml:/demo.yml:ro"} < set(arguments)
    assert arguments[-3:] == ["registry:2", "serve", "/demo.yml"]
