"""The Flask application."""

from __future__ import annotations

import logging

from flask import Flask
from redis import Redis, RedisError
from werkzeug.exceptions import HTTPException

from enforcer.settings import Settings
from enforcer.web import health, notifications
from enforcer.web.services import init_app

logger = logging.getLogger(__name__)


def create_app(settings: Settings, redis: Redis) -> Flask:
    """The application for those settings; the connection is the caller's to close."""
    app = Flask(__name__, static_folder=None)
    # A redirect loses a notification, and some clients take one for success: a stray slash finds its route instead.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    init_app(app, settings, redis)
    app.register_blueprint(notifications.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(RedisError, _answer_redis_error)
    app.register_error_handler(Exception, _answer_bug)
    return app


def _answer_http_error(error: HTTPException) -> tuple[dict[str, str], int]:
    return {"error": error.description or error.name}, error.code or 500


def _answer_redis_error(error: RedisError) -> tuple[dict[str, str], int, dict[str, str]]:
    """503: a registry keeps its event and sends it again."""
    logger.error("Redis did not answer: %s", error)
    return {"error": "the store is not available; try again"}, 503, {"Retry-After": "1"}


def _answer_bug(error: Exception) -> tuple[dict[str, str], int]:
    logger.error("unexpected %s", type(error).__name__, exc_info=error)
    return {"error": "internal error"}, 500
