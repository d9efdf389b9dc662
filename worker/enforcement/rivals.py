"""Rivals: other installations of Tag Enforcer that restore the same tags with other records."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from enforcer.judgement.violation import Violation
from enforcer.names import RegistryName
from worker.context import Context

_USER_AGENT = re.compile(r"tag-enforcer/([0-9a-f]{16})", flags=re.ASCII)


@dataclass(frozen=True, slots=True)
class Rivals:
    """Tells a rival's push: another installation's id, and our own account, which takes its password.

    `accounts` are ours at the registries that ask for credentials. An id alone is worth nothing: a client sends what it
    likes, and would be answered more slowly for it.
    """

    installation: Callable[[], str]
    accounts: Mapping[RegistryName, str]

    @classmethod
    def of(cls, context: Context) -> Self:
        """The rivals of an installation."""
        registries = context.settings.registries
        accounts = {name: registry.username for name, registry in registries.items() if registry.username}
        return cls(lambda: context.installation, accounts)

    def is_rival(self, violation: Violation) -> bool:
        """True if another installation pushed that, with our account."""
        found = _USER_AGENT.fullmatch(violation.user_agent)
        account = self.accounts.get(violation.name.registry)
        if found is None or account is None or violation.actor != account:
            return False
        return found[1] != self.installation()
