"""The locks say all that pip needs, whatever is released after them."""

from __future__ import annotations

import re
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = Path(__file__).parent.parent
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[([^]]+)])?==", re.MULTILINE)


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_extras_are_locked(lock):
    """What a locked package needs with extras is locked with them: pip 23 takes it for unpinned otherwise."""
    locked = {
        canonicalize_name(name): set(filter(None, extras.split(",")))
        for name, extras in PINNED.findall((LOCKS / lock).read_text())
    }
    assert locked
    installed = {canonicalize_name(each.metadata["Name"]): each.requires or () for each in distributions()}
    lacking = [
        f"{name} needs {needed}"
        for name in locked
        for needed in map(Requirement, installed.get(name, ()))
        if needed.marker is None or needed.marker.evaluate({"extra": ""})
        if not needed.extras <= locked.get(canonicalize_name(needed.name), needed.extras)
    ]
    assert lacking == []
