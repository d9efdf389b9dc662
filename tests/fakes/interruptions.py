"""A connection to Redis on which something happens between two commands: its owner dies, or another is quicker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from redis import Redis


class Killed(BaseException):
    """What `kill -9` does: nothing of ours can catch it."""


class Interruptions:
    """Counts the commands and pipelines of a client, and does what it is told before one of them."""

    def __init__(self, redis: Redis) -> None:
        self._left = 0
        self._action: Callable[[], None] | None = None
        client: Any = redis
        client.execute_command = self._counted(redis.execute_command)
        make_pipeline = redis.pipeline

        def pipeline(*args: Any, **options: Any) -> Any:
            pipe: Any = make_pipeline(*args, **options)
            pipe.execute = self._counted(pipe.execute)
            return pipe

        client.pipeline = pipeline

    def after(self, commands: int, action: Callable[[], None]) -> None:
        """Do this once, when so many more commands are done."""
        self._left, self._action = commands, action

    def none(self) -> None:
        """Forget what was to be done and has not happened."""
        self._action = None

    def _counted(self, execute: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **options: Any) -> Any:
            self._left -= 1
            if self._left < 0 and self._action is not None:
                action, self._action = self._action, None
                action()
            return execute(*args, **options)

        return counted


def die() -> None:
    """As an action: whoever uses the connection is dead from then on."""
    raise Killed
