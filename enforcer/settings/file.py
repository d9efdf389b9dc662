"""The configuration file: which one it is, and the table that it holds."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from enforcer.errors import InvalidSettings

DEFAULT_FILE = "enforcer.toml"
FILE_VARIABLE = "ENFORCER_CONFIG"


def find_file(path: Path | None, environ: Mapping[str, str]) -> Path:
    """The file to read: the given one, else that of `ENFORCER_CONFIG`, else `enforcer.toml` in the working directory.

    Raises `InvalidSettings` if there is none.
    """
    if path is not None:
        return path
    if named := environ.get(FILE_VARIABLE):
        return Path(named)
    default = Path(DEFAULT_FILE)
    if not default.exists():
        raise InvalidSettings(
            [f"no {DEFAULT_FILE} here; run `enforcer up` to have one written, or set {FILE_VARIABLE}"],
        )
    return default


def read_table(file: Path) -> dict[str, Any]:
    """The table in the file. Raises `InvalidSettings`, with file and line, if it cannot be read or is not TOML."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InvalidSettings([f"{file}: cannot be read: {error.strerror}"]) from error
    try:
        return tomllib.loads(content.decode("utf-8-sig"))  # editors on Windows begin a file with a BOM
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidSettings([f"{file}: not UTF-8 text (at line {line})"]) from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidSettings([f"{file}: not valid TOML: {error}"]) from error
