"""gunicorn, run from our settings: threads, since a request waits for Redis and for slow senders."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import Any

from gunicorn import util
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.workers.gthread import ThreadWorker

from enforcer.settings.settings import Settings
from enforcer.store.connection import connect
from enforcer.web.app import create_app

logger = logging.getLogger(__name__)

THREADS = 8


class _Logger(Logger):  # type: ignore[misc]
    """gunicorn's lines in the form of all others."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class _Worker(ThreadWorker):  # type: ignore[misc]
    """Answers what is no HTTP as everything else is answered: in JSON, not with a page."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Any) -> None:  # noqa: ARG002 - gunicorn calls it
        status = HTTPStatus.BAD_REQUEST if isinstance(exc, ParseException) else HTTPStatus.INTERNAL_SERVER_ERROR
        if isinstance(exc, LimitRequestLine):
            status = HTTPStatus.REQUEST_URI_TOO_LONG
        elif isinstance(exc, LimitRequestHeaders):
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        logger.warning("a request could not be read: %s", type(exc).__name__)
        body = json.dumps({"error": status.phrase})
        head = f"HTTP/1.1 {status} {status.phrase}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        try:
            util.write_nonblock(client, f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        except OSError:
            logger.debug("the client was gone before its answer")


class Server(BaseApplication):  # type: ignore[misc]
    """The application under gunicorn; it ends with SIGTERM or SIGINT."""

    def __init__(self, settings: Settings, *, needs_workers: bool = False) -> None:
        self._settings = settings
        self._needs_workers = needs_workers
        super().__init__()

    def load_config(self) -> None:
        host = self._settings.listen_host
        address = f"[{host}]" if ":" in host else host
        options: dict[str, Any] = {
            "bind": f"{address}:{self._settings.listen_port}",
            "worker_class": _Worker,
            "logger_class": _Logger,
            "loglevel": self._settings.log_level,
            "workers": 1,
            "threads": THREADS,
            "timeout": 30,
            "graceful_timeout": 10,
            "keepalive": 5,
            "limit_request_line": 8190,  # a TCR call by GET carries its patterns there
            "proc_name": "enforcer",
            "control_socket_disable": True,  # it would listen for commands that we do not send
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The application, with a connection of its own for each gunicorn worker."""
        redis = connect(self._settings.redis_url.get_secret_value(), self._settings.data_dir, timeout=2.0)
        return create_app(self._settings, redis, needs_workers=self._needs_workers)
