"""gunicorn, run from our settings: threads, since a request waits for Redis and for slow senders."""

from __future__ import annotations

import logging
from typing import Any

from gunicorn.app.base import BaseApplication

from enforcer.database import connect
from enforcer.settings import Settings
from enforcer.web.app import create_app

THREADS = 8


class Server(BaseApplication):  # type: ignore[misc]
    """The application under gunicorn; it ends with SIGTERM or SIGINT."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        host = self._settings.listen_host
        address = f"[{host}]" if ":" in host else host
        options: dict[str, Any] = {
            "bind": f"{address}:{self._settings.listen_port}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": THREADS,
            "timeout": 30,
            "graceful_timeout": 10,
            "keepalive": 5,
            "proc_name": "enforcer",
            "control_socket_disable": True,  # nobody asks it anything
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The application, with a connection of its own for each gunicorn worker."""
        logging.getLogger("gunicorn.error").setLevel(logging.INFO)
        redis = connect(self._settings.redis_url.get_secret_value(), self._settings.data_dir, timeout=2.0)
        return create_app(self._settings, redis)
