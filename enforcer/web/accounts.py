"""Accounts: the users of the policy APIs and their credentials. Without any, the APIs are closed."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from pydantic import SecretStr
from redis import Redis, RedisError

from enforcer.settings.account import AccountSettings

logger = logging.getLogger(__name__)

FAILED_LOGINS = "te:failed-logins"


@dataclass(frozen=True, slots=True)
class Account:
    """An authenticated account; `projects` are those that it may name in SWR paths, empty for any."""

    name: str
    is_admin: bool
    projects: frozenset[str] = frozenset()

    @classmethod
    def of(cls, name: str, settings: AccountSettings) -> Self:
        """The account that the settings describe."""
        return cls(name, settings.role == "admin", frozenset(settings.projects))

    def may_use(self, project: str) -> bool:
        """True if the account may name that project."""
        return not self.projects or project in self.projects


class Accounts:
    """The configured accounts. A look-up compares with every one, in a time that does not tell how close it was."""

    def __init__(self, configured: Mapping[str, AccountSettings]) -> None:
        self._configured = dict(configured)

    def by_password(self, name: str, password: str) -> Account | None:
        """The account of that name, if that is its password."""
        # "&", not "and", which would compare no password where the name is wrong.
        return self._find(lambda known, settings: _same(known, name) & _is(settings.password, password))

    def by_token(self, token: str) -> Account | None:
        """The account with that token."""
        return self._find(lambda _, settings: _is(settings.token, token))

    def by_access_key(self, access_key: str) -> tuple[Account, str] | None:
        """The account with that access key, and the secret that its signatures are made with."""
        account = self._find(lambda _, settings: _same(settings.access_key or "", access_key) & bool(access_key))
        if account is None:
            return None
        secret = self._configured[account.name].secret_key
        return None if secret is None else (account, secret.get_secret_value())

    def _find(self, proves: Callable[[str, AccountSettings], bool]) -> Account | None:
        # All are compared, even after the right one: the time of an answer must not tell which accounts there are.
        found = [name for name, settings in self._configured.items() if proves(name, settings)]
        return Account.of(found[0], self._configured[found[0]]) if found else None


def count_failed_login(redis: Redis, scheme: str, address: str) -> None:
    """Count and log a login that failed: which kind and from where, never with what."""
    logger.warning("a login failed: %s from %s", scheme, address)
    try:
        redis.hincrby(FAILED_LOGINS, scheme, 1)
    except RedisError:
        logger.warning("the failed login could not be counted: Redis does not answer")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))


def _is(secret: SecretStr | None, given: str) -> bool:
    return _same("" if secret is None else secret.get_secret_value(), given) & (secret is not None)
