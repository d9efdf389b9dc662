"""An executor without threads: what is submitted is done at once, so that two runs of the same test are the same."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any


class Immediate(Executor):
    """Does all of it in the caller's thread."""

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()

    def submit(self, function: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        """Call the function; what it raises is raised to whoever asks for its result, unless it ends the process."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **options))
        except Exception as error:  # noqa: BLE001 - as an executor does
            future.set_exception(error)
        return future
