"""Pools of requests without threads."""

from __future__ import annotations

from enforcer.names import RegistryName, Repository
from worker.pool import Precedence, RegistryPools, Step


class AtOnce(RegistryPools):
    """Does each step when it is submitted, and notes its precedence in `taken`."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[Precedence] = []

    def submit(self, registry: RegistryName, precedence: Precedence, repository: Repository, step: Step) -> bool:
        self.taken.append(precedence)
        step()
        return True


class Full(RegistryPools):
    """Takes nothing."""

    def submit(self, registry: RegistryName, precedence: Precedence, repository: Repository, step: Step) -> bool:
        return False
