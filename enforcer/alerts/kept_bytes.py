"""Kept bytes: what is kept of a registry is bounded, and people are told before and when that bound is reached."""

from __future__ import annotations

import logging

from enforcer.alerts.health import Health
from enforcer.alerts.message import Severity
from enforcer.names import RegistryName, Repository
from enforcer.store.kept_manifests import NEARLY, Keeping

logger = logging.getLogger(__name__)

TELL_AGAIN = 86_400
FULL_AGAIN = 3600


def _nearly(registry: RegistryName) -> str:
    return f"kept bytes of {registry}"


def _full(registry: RegistryName) -> str:
    return f"kept bytes of {registry} used up"


def tell_use(health: Health, registry: RegistryName, repository: Repository, budget: int, keeping: Keeping) -> None:
    """Tell of a budget that is nearly or wholly used, as the keeping of a manifest found it."""
    if keeping.used < NEARLY * budget and keeping.is_kept:
        return
    details = {"registry": registry, "used": keeping.used, "kept_bytes": budget, "largest": keeping.largest}
    use = f"the manifests kept of registry {registry} take {keeping.used} of {budget} bytes (kept_bytes)"
    if keeping.is_kept:
        text = f"{use}, most of them for {keeping.largest}: raise it before new ones cannot be kept"
        is_new = health.tell(_nearly(registry), Severity.WARNING, text, TELL_AGAIN, details)
    else:
        text = (
            f"{use}, and a new one of {repository} is not kept: once the registry loses it, it cannot be put back; "
            f"most are kept of {keeping.largest}: see who pushes there, or raise kept_bytes"
        )
        is_new = health.tell(_full(registry), Severity.CRITICAL, text, FULL_AGAIN, details)
    if is_new:
        logger.warning(text)


def tell_release(health: Health, registry: RegistryName, budget: int, used: int) -> None:
    """Tell that a budget which was nearly used has room again."""
    if used < NEARLY * budget:
        for key in (_nearly(registry), _full(registry)):
            health.over(key, f"the manifests kept of registry {registry} take {used} of {budget} bytes again")
