"""Settings for tests, without a file."""

from __future__ import annotations

from typing import Any

from enforcer.settings.settings import Settings

TOKEN = "notify-main"


def registry_table(url: str = "http://127.0.0.1:5000", **changes: Any) -> dict[str, Any]:
    """The table of one registry."""
    return {"url": url, "notification_token": TOKEN, **changes}


def policy_table(**changes: Any) -> dict[str, Any]:
    """The table of a policy that protects every tag but `latest` of the namespace `team`."""
    return {
        "registry": "main",
        "namespace": "team",
        "repositories": {"decoration": "repoMatches", "pattern": "**"},
        "tags": {"decoration": "excludes", "pattern": "latest"},
        **changes,
    }


def settings(**changes: Any) -> Settings:
    """The settings with these top-level keys, one registry `main` unless the keys say otherwise."""
    return Settings.model_validate({"registries": {"main": registry_table()}, **changes})
