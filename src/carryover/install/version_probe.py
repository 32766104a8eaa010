"""Asks a command for its version: without a shell and in bounded time, however the command behaves."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.version import InvalidVersion, Version

from carryover.adapter.spec import VersionProbe

AskVersion = Callable[..., "Answer"]
"""A function with the signature of `ask_version`."""

_LONGEST_ANSWER_BYTES: Final = 16 << 10
_REAPED_WITHIN_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A version and the text that contained it, or `problem`: why there is none, as a clause without a full stop.

    A problem never quotes the command's output.
    """

    version: Version | None = None
    text: str = ""
    problem: str = ""


def ask_version(command: Path, probe: VersionProbe, *, env: Mapping[str, str], cwd: Path) -> Answer:
    """Runs the command and reads its version. Blocks for little more than `probe.limit_s`; never raises.

    `env` is the command's whole environment. It gets no input, and its stderr is discarded. The command and all its
    child processes have ended when this returns.
    """
    try:
        process = subprocess.Popen(
            [command, *probe.args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=cwd,
            env=dict(env),
            start_new_session=True,  # a separate group, so that its children can be ended with it
        )
    except (OSError, ValueError) as error:
        return Answer(problem=f"it could not be started ({getattr(error, 'strerror', None) or type(error).__name__})")
    try:
        # Its output stays in the pipe until it has ended: a version fits, and we need nothing else.
        code = process.wait(timeout=probe.limit_s)
    except subprocess.TimeoutExpired:
        return Answer(problem=f"no answer within {probe.limit_s:g} s")
    finally:
        written = _end(process)
    if code != 0:
        return Answer(problem=f"it was ended by signal {-code}" if code < 0 else f"it ended with code {code}")
    return version_in(written.decode("utf-8", "replace"), probe)


def asking_once() -> AskVersion:
    """Returns a caching `ask_version`: asks a command again only if its file changed or it gave no version."""
    known: dict[object, Answer] = {}

    def ask(command: Path, probe: VersionProbe, *, env: Mapping[str, str], cwd: Path) -> Answer:
        try:
            found = command.stat()
        except OSError:
            return ask_version(command, probe, env=env, cwd=cwd)
        key = (command, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        answer = known.get(key) or ask_version(command, probe, env=env, cwd=cwd)
        if answer.version is not None:
            known[key] = answer
        return answer

    return ask


def version_in(text: str, probe: VersionProbe) -> Answer:
    """Extracts the version from a command's output."""
    found = re.search(probe.pattern, text, re.MULTILINE)
    if found is None:
        return Answer(problem="its answer holds no version")
    try:
        return Answer(version=Version(found[1]), text=found[1])
    except InvalidVersion:
        return Answer(problem="its answer holds no version that can be compared")


def read_again(text: str) -> Answer:
    """Returns the answer for `text`, in which a version was found earlier."""
    try:
        return Answer(version=Version(text), text=text)
    except InvalidVersion:
        return Answer(problem="what was recorded is no version")


def _end(process: subprocess.Popen[bytes]) -> bytes:
    """Ends the process and its group. Returns its output so far, without waiting for others that hold the pipe open."""
    assert process.stdout is not None
    with process.stdout as stdout, contextlib.suppress(BlockingIOError):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        # A process that hangs in the kernel survives even that; do not wait for it any longer.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_REAPED_WITHIN_S)
        os.set_blocking(stdout.fileno(), False)
        return os.read(stdout.fileno(), _LONGEST_ANSWER_BYTES)
    return b""
