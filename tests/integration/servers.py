"""Real servers for the integration tests, each a child process on a free port of 127.0.0.1, and images to push to them.

    registry = start_registry(tmp_path / "registry")
    digest = push_image(registry.url, "team/app", "1.0", seed="first")
    registry.stop()

A server writes to `output` in its directory; a start that fails shows the end of it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests
from requests.adapters import HTTPAdapter

from enforcer.manifests import OCI_MANIFEST
from enforcer.names import Digest
from tests.fakes.images import blobs_of, image

_PATIENCE = 20.0
"""Seconds for a server to start or stop, on a machine that is busy with other tests."""

Account = tuple[str, str] | None

http = requests.Session()
"""Whoever pushes, pulls and deletes in the tests: over connections that stay open, from any number of threads."""
http.trust_env = False
http.mount("http://", HTTPAdapter(pool_maxsize=100))


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Server:
    """A child process that listens on a port; it can be stopped, killed and started again with the same state."""

    def __init__(self, command: Sequence[str | Path], port: int, directory: Path) -> None:
        self.command = [str(part) for part in command]
        self.port = port
        self.directory = directory
        self.start()

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        # Without what is configured in the environment: docker-registry reads REGISTRY_* over its file.
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.directory)}
        with self._output.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        deadline = time.monotonic() + _PATIENCE
        while not self._listens():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{self.command[0]} did not start:\n{self._output.read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it as an operator does, and wait until it has gone."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it as a power cut does: it cannot write what it has not written yet."""
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Stop it and start it on the same port, with the same files."""
        self.stop()
        self.start()

    @property
    def _output(self) -> Path:
        return self.directory / "output"

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


class Registry(Server):
    """Debian's docker-registry. `storage` is the directory with its blobs, `config_path` its configuration in JSON."""

    def __init__(self, directory: Path, port: int, config: Mapping[str, Any]) -> None:
        self.config_path = directory / "config.yml"
        self.storage = directory / "storage"
        self.config_path.write_text(json.dumps(config, indent=1))  # YAML reads JSON
        super().__init__([program("docker-registry"), "serve", self.config_path], port, directory)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def collect_garbage(self, *options: str) -> None:
        """Delete unreferenced blobs, with `-m` untagged manifests too; to be done while it is stopped or read-only."""
        command = [program("docker-registry"), "garbage-collect", *options, str(self.config_path)]
        subprocess.run(command, check=True, capture_output=True, cwd=self.directory, timeout=60)

    def reconfigure(self, **sections: Any) -> None:
        """Start it again with these sections laid over its configuration."""
        config = json.loads(self.config_path.read_text())
        self.config_path.write_text(json.dumps(_overlaid(config, sections), indent=1))
        self.restart()


class Redis(Server):
    """Debian's redis-server."""

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"


def start_registry(
    tmp_path: Path,
    *,
    port: int | None = None,
    auth_htpasswd: str | None = None,
    notifications: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Registry:
    """A registry with its files in `tmp_path`, on which manifests can be deleted.

    `auth_htpasswd` are lines as `htpasswd -B` writes them, `notifications` is that section of its configuration, and
    `extra` is laid over the whole: `{"storage": {"maintenance": {"readonly": {"enabled": True}}}}` adds to `storage`.
    """
    directory = _directory(tmp_path)
    port = port or free_port()
    config: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(directory / "storage")}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    if auth_htpasswd is not None:
        passwords = directory / "htpasswd"
        passwords.write_text(auth_htpasswd.strip() + "\n")
        config["auth"] = {"htpasswd": {"realm": "the registry", "path": str(passwords)}}
    if notifications is not None:
        config["notifications"] = dict(notifications)
    return Registry(directory, port, _overlaid(config, extra or {}))


def start_redis(tmp_path: Path, *, port: int | None = None, appendonly: bool = True) -> Redis:
    """A Redis with its files in `tmp_path`; with `appendonly` every write is on disk before it is answered."""
    directory = _directory(tmp_path)
    port = port or free_port()
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(directory),
        "save": "",
        "appendonly": "yes" if appendonly else "no",
        "appendfsync": "always",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    return Redis([program("redis-server"), *arguments], port, directory)


def push_image(url: str, repository: str, tag: str, *, layers: int = 1, seed: str, auth: Account = None) -> Digest:
    """Push a small OCI image, as a client does: blobs, then the manifest. Equal seeds give equal digests."""
    for content in blobs_of(seed, layers):
        push_blob(url, repository, content, auth=auth)
    return push_manifest(url, repository, tag, image(seed, layers), auth=auth)


def push_blob(url: str, repository: str, content: bytes, *, auth: Account = None) -> Digest:
    """Push one layer or configuration."""
    digest = Digest.of(content)
    begun = http.post(f"{url}/v2/{repository}/blobs/uploads/", auth=auth, timeout=10)
    begun.raise_for_status()
    target = urljoin(f"{url}/", begun.headers["Location"])
    http.put(target, params={"digest": digest}, data=content, auth=auth, timeout=10).raise_for_status()
    return digest


def push_manifest(
    url: str,
    repository: str,
    reference: str,
    content: bytes,
    media_type: str = OCI_MANIFEST,
    *,
    auth: Account = None,
) -> Digest:
    """Push manifest bytes by tag or digest."""
    headers = {"Content-Type": media_type}
    target = f"{url}/v2/{repository}/manifests/{reference}"
    http.put(target, data=content, headers=headers, auth=auth, timeout=10).raise_for_status()
    return Digest.of(content)


def delete_manifest(url: str, repository: str, digest: Digest, *, auth: Account = None) -> None:
    """Delete a manifest and with it all tags that point to it."""
    http.delete(f"{url}/v2/{repository}/manifests/{digest}", auth=auth, timeout=10).raise_for_status()


def delete_blob(url: str, repository: str, digest: Digest, *, auth: Account = None) -> None:
    """Delete a layer or configuration from a repository."""
    http.delete(f"{url}/v2/{repository}/blobs/{digest}", auth=auth, timeout=10).raise_for_status()


def program(name: str) -> str:
    """The path of an installed program; a missing one fails the test, as one that is skipped proves nothing."""
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} is not installed: apt-get install {name}")
    return found


def _directory(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        known = merged.get(key)
        merged[key] = _overlaid(known, value) if isinstance(known, dict) and isinstance(value, Mapping) else value
    return merged
