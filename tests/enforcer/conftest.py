from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.configuration import ConfigurationFolder


@pytest.fixture
def folder(tmp_path: Path) -> ConfigurationFolder:
    """Where a test writes its configuration."""
    return ConfigurationFolder(tmp_path)
