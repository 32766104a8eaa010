"""Asks a command for its version: without a shell, in bounded time, whatever the command does."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from packaging.version import InvalidVersion, Version

from carryover.adapter.spec import VersionProbe

LONGEST_ANSWER_BYTES: Final = 16 << 10
_LOOK_AGAIN_MS: Final = 50
_REAPED_WITHIN_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The version and the text it was in, or `problem`: why there is none, as a clause without a full stop.

    A problem never quotes what the command wrote.
    """

    version: Version | None = None
    text: str = ""
    problem: str = ""


def ask_version(command: Path, probe: VersionProbe, *, env: Mapping[str, str], cwd: Path) -> Answer:
    """Runs the command and reads its version. Blocks for `probe.limit_s` and a little at most; never raises.

    `env` is all that the command gets of the environment. It is given nothing to read, and what it writes to stderr is
    not looked at. It and what it started are ended before this returns.
    """
    try:
        process = subprocess.Popen(
            [command, *probe.args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=cwd,
            env=dict(env),
            start_new_session=True,  # a separate group, so that what it starts can be ended with it
        )
    except (OSError, ValueError) as error:
        return Answer(problem=f"it could not be started ({getattr(error, 'strerror', None) or type(error).__name__})")
    with _ended(process) as stdout:
        return _read_answer(process, stdout, probe)


def _read_answer(process: subprocess.Popen[bytes], stdout: IO[bytes], probe: VersionProbe) -> Answer:
    until = time.monotonic() + probe.limit_s
    written = _written(process, stdout.fileno(), until)
    if len(written) >= LONGEST_ANSWER_BYTES:
        return Answer(problem="its answer is far too long to be a version")
    try:
        code = process.wait(timeout=max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        return Answer(problem=f"no answer within {probe.limit_s:g} s")
    if code != 0:
        return Answer(problem=f"it was ended by signal {-code}" if code < 0 else f"it ended with code {code}")
    return version_in(written.decode("utf-8", "replace"), probe)


def version_in(text: str, probe: VersionProbe) -> Answer:
    """The version in what a command wrote."""
    found = re.search(probe.pattern, text, re.MULTILINE)
    if found is None:
        return Answer(problem="its answer holds no version")
    try:
        return Answer(version=Version(found[1]), text=found[1])
    except InvalidVersion:
        return Answer(problem="its answer holds no version that can be compared")


def read_again(text: str) -> Answer:
    """The answer that gave `text` as its version at an earlier time."""
    try:
        return Answer(version=Version(text), text=text)
    except InvalidVersion:
        return Answer(problem="what was recorded is no version")


def _written(process: subprocess.Popen[bytes], descriptor: int, until: float) -> bytes:
    """What it writes until it ends, closes its output, has written too much, or the time is over."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | select.POLLHUP)
    written = b""
    while len(written) < LONGEST_ANSWER_BYTES and (left_s := until - time.monotonic()) > 0:
        # What it started may hold the output open after its end, so its end is looked for as well.
        ended = process.poll() is not None
        if poll.poll(0 if ended else min(left_s * 1000, _LOOK_AGAIN_MS)):
            more = os.read(descriptor, LONGEST_ANSWER_BYTES - len(written))
            if not more:
                break
            written += more
        elif ended:
            break
    return written


@contextlib.contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[IO[bytes]]:
    """Sees to it that the process and its group are gone at the end, and its output is closed."""
    assert process.stdout is not None
    with process.stdout as stdout:
        try:
            yield stdout
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            # One that hangs in the kernel outlives even that; it is not waited for longer.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=_REAPED_WITHIN_S)
