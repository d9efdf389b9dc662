"""Estimate: how many tags a walk will have looked at in the end."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Estimate:
    """Of so many repositories, so many are listed, with so many tags."""

    repositories: int = 0
    listed: int = 0
    tags: int = 0

    def add(self, tags: int) -> None:
        """One more repository is listed."""
        self.listed += 1
        self.tags += tags

    @property
    def expected(self) -> float | None:
        """Tags in all repositories, if those that are not listed yet are like the others; None before the first one."""
        return self.tags * self.repositories / self.listed if self.listed else None
