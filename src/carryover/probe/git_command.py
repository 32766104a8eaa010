"""Asks git about a repository that may be hostile, huge or out of reach: nothing is written, nothing that it brings
along is run, and the answer is in time or not at all.

Not by GitPython (3.2.1): its `Repo` reads the repository's configuration in Python, follows what that includes, and
keeps helper processes; its time-out needs `pgrep` and keeps waiting for any process that still holds the pipe; and to
load it takes longer than git's answer.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SAFE_OPTIONS: Final = (
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "log.showSignature=false"),
    *("-c", "diff.autoRefreshIndex=false"),  # `git diff` writes the index whatever --no-optional-locks says (2.39)
    "--no-optional-locks",
    "--no-pager",
)
_SAFE_ENVIRONMENT: Final = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "",  # a partial clone would fetch the blobs that a diff misses
    "GIT_NO_LAZY_FETCH": "1",
    "LANGUAGE": "C",
    "LC_ALL": "C",
}
_MISLEADING: Final = (
    # Set while git runs a hook; a daemon started from one would look at that repository for ever.
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_PREFIX"),
)
_REAP_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What one git command said. `code` is its exit status; 128 is git's own "that can't be done here"."""

    code: int
    out: bytes


def ask(root: Path, *commands: Sequence[str], deadline: float, overrides: Sequence[str] = ()) -> list[Answer]:
    """Runs the commands side by side in `root` and gives their answers in the same order.

    `deadline` is a time of `time.monotonic()`, `overrides` are settings of the form `name=value`. `root` must be the
    top of a repository: parents are not searched.

    Raises:
        TimeoutError: not all answered in time. Every process is killed by then, with all it started, and gone: where
            one hangs in the kernel that takes a few seconds more.
        FileNotFoundError: there is no git on this machine.
    """
    running: list[subprocess.Popen[bytes]] = []
    try:
        running.extend(_start(root, command, overrides) for command in commands)
        return [_finish(process, deadline) for process in running]
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(errno.ETIMEDOUT, "git did not answer in time") from error
    finally:
        for process in running:
            _end(process)


def _start(root: Path, command: Sequence[str], overrides: Sequence[str]) -> subprocess.Popen[bytes]:
    options = [part for override in overrides for part in ("-c", override)]
    inherited = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    try:
        # git itself changes to `root`: were it done between fork and exec, a dead network drive would hold up every
        # thread.
        return subprocess.Popen(
            ["git", "-C", str(root), *_SAFE_OPTIONS, *options, *command],
            cwd=os.sep,
            env={**inherited, **_SAFE_ENVIRONMENT, "GIT_CEILING_DIRECTORIES": str(root.parent)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise FileNotFoundError(errno.ENOENT, "git can't be run") from error


def _finish(process: subprocess.Popen[bytes], deadline: float) -> Answer:
    out, _ = process.communicate(timeout=max(0.0, deadline - time.monotonic()))
    return Answer(process.returncode, out)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    # One that is stuck in the kernel dies when it can; subprocess reaps it when a later one is started.
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_REAP_S)
