"""A child that ends with its owner, however the owner ends."""

from __future__ import annotations

import os
import sys

# Runs in the child and becomes the command by exec, which keeps both the pid and the signal asked
# for. A program of its own rather than `preexec_fn`, because Python must not run between fork
# and exec where the owner has threads (deadlock; a DeprecationWarning since Python 3.12).
# The owner may have died before prctl(): then the child has another parent, and must not start.
# A kernel that refuses prctl() leaves the child running, as on other systems.
_TIE_TO_OWNER = """\
import ctypes, os, signal, sys
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the owner ended before its child started")
os.execv(sys.argv[2], sys.argv[2:])
"""


def tied(command: list[str]) -> list[str]:
    """`command` (its program by full path) so started that Linux ends it with its owner.

    Linux counts the end of the *thread* that started the child as the death of its parent: start
    it from one that lives as long. Elsewhere than on Linux the command is returned as it is.
    """
    if sys.platform != "linux":
        return command
    return [sys.executable, "-I", "-S", "-c", _TIE_TO_OWNER, str(os.getpid()), *command]
