"""The Flask application."""

from __future__ import annotations

from flask import Flask
from redis import Redis

from enforcer.settings.settings import Settings
from enforcer.web import errors, health, native, notifications
from enforcer.web.services import init_app
from enforcer.web.vendors import harbor, swr, tcr


def create_app(settings: Settings, redis: Redis, *, needs_workers: bool = False) -> Flask:
    """The application for those settings; the connection is the caller's to close.

    With `needs_workers` it is ready only while workers run that record and keep what is pushed.
    """
    app = Flask(__name__, static_folder=None)
    # A redirect loses a notification, and some clients take one for success: a stray slash finds its route instead.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.config["NEEDS_WORKERS"] = needs_workers
    init_app(app, settings, redis)
    errors.init_app(app, (tcr, swr, harbor, native))
    for module in (notifications, health, tcr, swr, harbor, native):
        app.register_blueprint(module.blueprint)
    return app
