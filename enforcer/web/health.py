"""`/healthz`: this process answers. `/readyz`: it can do its work, and what of it is waiting."""

from __future__ import annotations

from flask import Blueprint, current_app
from redis import RedisError

from enforcer.web.services import services

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> dict[str, bool]:
    """Answer while the process is alive: no word about Redis, or an orchestrator restarts us when Redis is away."""
    return {"ok": True}


@blueprint.get("/readyz")
def readyz() -> tuple[dict[str, object], int]:
    """Answer 200 while notifications are accepted: Redis answers and can be written to.

    In `enforcer up` also only while workers run: what is pushed is recorded and kept at once.
    """
    here = services()
    try:
        # Written, not only pinged: a replica or a full Redis answers and takes no event.
        here.stores.redis.set("te:ready", 1, ex=60)
        missing = here.stores.heartbeats.missing() if current_app.config["NEEDS_WORKERS"] else []
        if missing:
            return {"ok": False, "failing": {"workers": f"no worker runs for {' and '.join(missing)}"}}, 503
        return {"ok": True, "events_waiting": here.stores.log.waiting()}, 200
    except RedisError as error:
        return {"ok": False, "failing": {"redis": type(error).__name__}}, 503
