"""Asks git about a repository that may be hostile, huge or out of reach: nothing is written, nothing that it brings
along is run, and the answer is in time or not at all.

GitPython starts the commands. Its `Repo` is not used: it reads the repository's configuration in Python, follows what
that includes, and keeps helper processes (GitPython 3.2.1); its own time-out needs `pgrep` and keeps waiting for any
process that still holds the pipe.
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


def available() -> bool:
    """Whether git can be run at all. Loads GitPython the first time, which takes some 60 ms."""
    try:
        import git  # noqa: F401
    except ImportError:  # GitPython refuses to load where there is no git
        return False
    return True


def ask(root: Path, *commands: Sequence[str], deadline: float, overrides: Sequence[str] = ()) -> list[Answer]:
    """Runs the commands side by side in `root` and gives their answers in the same order.

    `deadline` is a time of `time.monotonic()`, `overrides` are settings of the form `name=value`. `root` must be the
    top of a repository: parents are not searched.

    Raises:
        TimeoutError: not all answered in time. Every process is killed by then, with all it started, and gone: where
            one hangs in the kernel that takes a few seconds more.
        FileNotFoundError: there is no git on this machine.
    """
    if not available():
        raise FileNotFoundError(errno.ENOENT, "git can't be run")
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
    import git

    set_here = [name for name in _MISLEADING if name in os.environ]
    without = [part for name in set_here for part in ("-u", name)]
    options = [part for override in overrides for part in ("-c", override)]
    # git itself changes to `root`: were it done between fork and exec, a dead network drive would hold up every thread.
    try:
        started = git.Git(os.sep).execute(
            [*(["env", *without] if without else []), "git", "-C", str(root), *_SAFE_OPTIONS, *options, *command],
            as_process=True,
            env={**_SAFE_ENVIRONMENT, "GIT_CEILING_DIRECTORIES": str(root.parent)},
            start_new_session=True,
        )
    except (git.GitCommandNotFound, NotADirectoryError, PermissionError) as error:
        raise FileNotFoundError(errno.ENOENT, "git can't be run") from error
    process, started.proc = started.proc, None  # the finaliser of GitPython's wrapper waits without end
    assert process is not None
    return process


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
