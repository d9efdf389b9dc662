"""The Valkey of `redis_url = "embedded"`: a server of our own in `data_dir`, for machines without a Redis.

Processes that know nothing of each other share it:

- The server is a daemon: neither Ctrl-C nor the end of the process that started it reaches it. It holds `valkey.lock`
  as long as it lives, by a descriptor that it inherits. Only who gets that lock may start a server, so there is never a
  second one on the same files, whatever was killed before.
- A live server is found by its socket, whoever started it.
- Whoever uses it holds `valkey.users` shared; the last one to leave gets it for itself and shuts the server down.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import Path
from typing import BinaryIO

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from enforcer.errors import ServerFailed
from enforcer.store.embedded_binary import server_binary

logger = logging.getLogger(__name__)

_SOCKET_PATH_BYTES = 100  # the address of a unix socket has 108 on Linux, 104 on macOS
_PATIENCE_SECONDS = 10.0
_POLL_SECONDS = 0.02
_LOG_TAIL_BYTES = 2000
MEMORY = 1 << 30  # bytes of data, beyond which a server refuses writes and drops nothing

_OPTIONS = {
    "daemonize": "yes",
    "port": "0",
    "unixsocketperm": "700",
    "save": "",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "maxmemory-policy": "noeviction",
}


class _State(Enum):
    READY = auto()
    LOADING = auto()
    SILENT = auto()


def socket_path(data_dir: Path) -> Path:
    """Where the server of this directory listens: in it, or, where that path is too long, in a private directory.

    Raises `ServerFailed` where that private directory belongs to, or is open to, somebody else.
    """
    directory = data_dir.resolve()
    path = directory / "valkey.sock"
    if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES:
        return path
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return _private_directory() / f"{name}.sock"


def _private_directory() -> Path:
    directory = Path(tempfile.gettempdir()) / f"tag-enforcer-{os.geteuid()}"
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.lstat()
    except OSError as error:
        raise ServerFailed(f"cannot use {directory} for sockets: {error}; choose a shorter data_dir") from error
    if found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise ServerFailed(
            f"{directory} must be a directory of user {os.geteuid()} with mode 0700, but has owner {found.st_uid} and "
            f"mode {found.st_mode & 0o7777:04o}: remove it, or choose a shorter data_dir"
        )
    return directory


class EmbeddedServer:
    """The server of one directory, as one of the processes that use it sees it."""

    def __init__(self, data_dir: Path, memory: int = MEMORY) -> None:
        self.data_dir = data_dir.resolve()
        self._memory = memory
        self._users: BinaryIO | None = None
        self._process_id = 0

    def ensure(self) -> Path:
        """Find the live server or start one, and return its socket; called again, it revives a server that died.

        Waits up to 10 seconds for an answer, and for as long as the server says that it is loading its data.
        Raises `ServerFailed`.
        """
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = socket_path(self.data_dir)
            self._join()
            self._find_or_start(path)
        except (OSError, subprocess.SubprocessError) as error:
            raise ServerFailed(f"cannot start the embedded server in {self.data_dir}: {error}") from error
        return path

    def stop(self) -> None:
        """Leave the server; the last one that leaves shuts it down, with all data on disk.

        Does nothing in a forked child: the parent still uses the server.
        """
        if self._users is None or self._process_id != os.getpid():
            return
        users, self._users = self._users, None
        with users:
            if _locked(users, fcntl.LOCK_EX):
                self._shut_down()
            fcntl.flock(users, fcntl.LOCK_UN)  # a forked child may have the file open still

    def _join(self) -> None:
        if self._users is not None:
            return
        users = (self.data_dir / "valkey.users").open("ab")
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not _locked(users, fcntl.LOCK_SH):
            if time.monotonic() > deadline:
                users.close()
                raise ServerFailed(
                    f"the embedded server in {self.data_dir} has been stopping for too long: {self._log()}"
                )
            time.sleep(_POLL_SECONDS)
        self._users, self._process_id = users, os.getpid()

    def _find_or_start(self, path: Path) -> None:
        launched = False
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (state := _state(path)) is not _State.READY:
            if state is _State.LOADING:
                deadline = time.monotonic() + _PATIENCE_SECONDS
            with self._lock_file() as lock:
                if _locked(lock, fcntl.LOCK_EX):
                    if launched:
                        raise ServerFailed(f"the embedded server ended while it was starting: {self._log()}")
                    self._launch(path, lock)
                    launched = True
            if time.monotonic() > deadline:
                raise ServerFailed(
                    f"process {self._pid()} holds {self.data_dir / 'valkey.lock'} but does not answer at {path}: "
                    "stop it, then try again"
                )
            time.sleep(_POLL_SECONDS)

    def _launch(self, path: Path, lock: BinaryIO) -> None:
        options = {
            "dir": str(self.data_dir),
            "unixsocket": str(path),
            "pidfile": str(self.data_dir / "valkey.pid"),
            "logfile": str(self.data_dir / "valkey.log"),
            "maxmemory": str(self._memory),
            **_OPTIONS,
        }
        command = [server_binary(), *(word for name, value in options.items() for word in (f"--{name}", value))]
        done = subprocess.run(  # noqa: S603 - the binary comes from a package, the options from here
            command,
            cwd=self.data_dir,
            umask=0o077,
            pass_fds=[lock.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            said = done.stdout.decode(errors="replace").strip()
            raise ServerFailed(f"the embedded server ended with status {done.returncode}: {said or self._log()}")
        logger.info("started the embedded server in %s", self.data_dir)

    def _shut_down(self) -> None:
        try:
            with _client(socket_path(self.data_dir), timeout=_PATIENCE_SECONDS) as client:
                client.shutdown()
        except redis.RedisError as error:
            logger.warning("the embedded server in %s did not take SHUTDOWN: %s", self.data_dir, error)
            return
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._vacant():
            if time.monotonic() > deadline:
                logger.warning("the embedded server in %s, process %s, does not end", self.data_dir, self._pid())
                return
            time.sleep(_POLL_SECONDS)
        logger.info("stopped the embedded server in %s", self.data_dir)

    def _vacant(self) -> bool:
        with self._lock_file() as lock:
            return _locked(lock, fcntl.LOCK_EX)

    def _lock_file(self) -> BinaryIO:
        return (self.data_dir / "valkey.lock").open("ab")

    def _pid(self) -> str:
        try:
            return (self.data_dir / "valkey.pid").read_text().strip()
        except OSError:
            return "(unknown)"

    def _log(self) -> str:
        path = self.data_dir / "valkey.log"
        try:
            tail = path.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")
        except OSError:
            return f"it left no log in {path}"
        return f"{path} ends with\n{tail}"


@contextmanager
def running(data_dir: Path, memory: int = MEMORY) -> Iterator[Path]:
    """The socket of a live server, found or started, for the length of the context. Raises `ServerFailed`."""
    server = EmbeddedServer(data_dir, memory)
    try:
        yield server.ensure()
    finally:
        server.stop()


def _locked(file: BinaryIO, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _client(path: Path, *, timeout: float) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(path), socket_timeout=timeout, retry=Retry(NoBackoff(), 0))


def _state(path: Path) -> _State:
    try:
        with _client(path, timeout=1.0) as client:
            client.ping()
    except redis.BusyLoadingError:
        return _State.LOADING
    except redis.RedisError:
        return _State.SILENT
    return _State.READY
