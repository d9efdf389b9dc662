"""Configuration files for tests, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from enforcer.errors import InvalidSettings
from enforcer.settings.settings import Settings, load

REGISTRY = """
[registries.main]
url = "http://127.0.0.1:5000"
notification_token = "notify-main"
"""


class ConfigurationFolder:
    """A directory with an `enforcer.toml`, to which REGISTRY is added unless the text has registries of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path / "enforcer.toml"

    def write(self, name: str, content: str | bytes) -> Path:
        """Put another file beside it."""
        file = self.path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def load(self, text: str = "", environ: Mapping[str, str] | None = None) -> Settings:
        """The settings that the text gives."""
        self.file.write_text(text if "[registries" in text else text + REGISTRY)
        return load(self.file, environ or {})

    def problems(self, text: str = "", environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
        """What is wrong with the text; a test fails if nothing is."""
        with pytest.raises(InvalidSettings) as raised:
            self.load(text, environ)
        return raised.value.problems
