"""Becomes a command that ends with its supervisor: `python -IS die_with_parent.py SUPERVISOR_PID COMMAND [ARGUMENT…]`.

A supervisor that is killed cannot stop its parts. On Linux the kernel then sends SIGTERM to those that asked for it,
and this asks on behalf of any command. Elsewhere it only becomes the command.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def _main(supervisor: int, command: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != supervisor:  # it was gone before the kernel was asked
        sys.exit("the supervisor has ended")
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell wanted
    except OSError as error:
        sys.exit(f"cannot start {command[0]}: {error.strerror}")


if __name__ == "__main__":
    _main(int(sys.argv[1]), sys.argv[2:])
