"""What is known to fail, by the section of attacks.md; whoever builds it takes the mark away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest


def failing(reason: str, *, always: bool = True) -> pytest.MarkDecorator:
    """What is not built yet: it has to fail, and as an assertion; what is a race may pass by chance."""
    return pytest.mark.xfail(strict=always, raises=AssertionError, reason=reason)


def each(names: Iterable[str], reasons: Mapping[str, str]) -> list[object]:
    """A parameter for each name; those with a reason have to fail."""
    return [pytest.param(name, marks=[failing(reasons[name])] if name in reasons else []) for name in names]
