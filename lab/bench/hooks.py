"""What a hook costs the agent that waits for it: the line of its settings, run as it runs it, with the real daemon."""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.corpus import Corpus, transcripts_of
from bench.measure import Pairs, Row, shown
from bench.processes import bare_daemon, daemon, environment, fresh_state
from carryover.edits.hooks import hook_command
from carryover.paths import StateDir
from support.hook_script import stand_in

MS: Final = 1000.0
AT_ONCE: Final = 64
STOOD_IN: Final = "[from a process of its own]"
"""Begins what the program prints that answers where the daemon does not."""


@dataclass(slots=True)
class Answers:
    """What sessions that started got: seconds of each call, and how many were not answered by the daemon itself.

    `stood_in`: a process of its own answered them; `nothing`: they got none.
    """

    seconds: list[float] = field(default_factory=list)
    stood_in: int = 0
    nothing: int = 0


class Caller:
    """An agent at work in the newest project of `corpus`, and its line for each event."""

    def __init__(self, corpus: Corpus, bare_socket: Path) -> None:
        self.project = corpus.projects[0]
        folder = transcripts_of(corpus.home, self.project)
        self._transcript = next(file for file in corpus.files_of(self.project) if file.parent == folder)
        self._env = environment(corpus.home)
        self._state = StateDir(corpus.home / ".carryover")
        stand_in(self._state, f'printf %s "{STOOD_IN}"; exec "{sys.executable}" "$@"')
        curl = f"curl -s -m 1 --data-binary @- --unix-socket '{bare_socket}'"
        self.bare = f"{curl} -o /dev/null http://localhost/hook 2>/dev/null || true"

    def line(self, event: str) -> str:
        return hook_command(self._state.root, "claude-code", event)

    def start(self, line: str, payload: bytes) -> subprocess.Popen[bytes]:
        command, pipe = ["/bin/sh", "-c", line], subprocess.PIPE
        process = subprocess.Popen(command, cwd=self.project, env=self._env, stdin=pipe, stdout=pipe)
        assert process.stdin is not None
        process.stdin.write(payload)
        process.stdin.close()
        return process

    def call(self, line: str, payload: bytes) -> tuple[float, str]:
        began = time.perf_counter()
        process = self.start(line, payload)
        printed = printed_by(process)
        return time.perf_counter() - began, printed

    def turn_ended(self) -> bytes:
        """The payload of `Stop` in the newest session: always the same, since no transcript comes after it."""
        words = "I changed the parser and its tests. " * (2000 // 36)
        path = self._transcript
        return self._payload("Stop", path.stem, path, last_assistant_message=words, stop_hook_active=False)

    def session_starts(self) -> bytes:
        """The payload of a new session, whose transcript is not there yet."""
        session = str(uuid.uuid4())
        return self._payload("SessionStart", session, self._transcript.with_name(f"{session}.jsonl"), source="startup")

    def _payload(self, event: str, session: str, transcript: Path, **fields: Any) -> bytes:
        common = {"session_id": session, "transcript_path": str(transcript), "cwd": str(self.project)}
        return json.dumps({**common, "hook_event_name": event, **fields}, separators=(",", ":")).encode() + b"\n"


def printed_by(process: subprocess.Popen[bytes]) -> str:
    """What a call prints until it ends. Raises RuntimeError where it fails."""
    assert process.stdout is not None
    with process.stdout:
        printed = process.stdout.read().decode()
    if process.wait() != 0:
        raise RuntimeError(f"a hook ended with {process.returncode}")
    return printed


def count_answer(taken: Answers, caller: Caller) -> None:
    seconds, printed = caller.call(caller.line("SessionStart"), caller.session_starts())
    taken.seconds.append(seconds)
    taken.nothing += not printed
    taken.stood_in += printed.startswith(STOOD_IN)


def hooks(corpus: Corpus, top: Path, times: int) -> Iterator[Row]:
    """A turn's end and a session's start, each beside a bare call; then many sessions at once."""
    fresh_state(corpus.home)
    with bare_daemon(top / "bare-hooks") as bare, daemon(corpus.home) as process:
        bare.wait_answering()
        process.wait_caught_up()
        caller = Caller(corpus, bare.socket)
        ended, started = Pairs(), Pairs()
        for _ in range(times):
            ended.floor.append(caller.call(caller.bare, caller.turn_ended())[0])
            ended.product.append(caller.call(caller.line("Stop"), caller.turn_ended())[0])
        time.sleep(1)  # the last of these turns is published by then, so that nothing new is left
        for _ in range(times):
            started.floor.append(caller.call(caller.bare, caller.session_starts())[0])
            seconds, printed = caller.call(caller.line("SessionStart"), caller.session_starts())
            if not printed or printed.startswith(STOOD_IN):
                raise RuntimeError("a session that started was not answered by the daemon")
            started.product.append(seconds)
        together = _at_once(caller)
        health = process.health() or {}
    yield from ended.rows("hook: a turn ended (Stop)", "the same curl", p50=0.5, p99=0.99)
    what = "hook: a session starts and gets its handoff (SessionStart), nothing new on disk"
    yield from started.rows(what, "the same curl", "session-start", p50=0.5, p99=0.99)
    yield together
    counts = (f"{count} {name.replace('_', ' ')}" for name, count in health.get("hook_calls", {}).items())
    yield Row("daemon's count of hook calls, after all of these", ", ".join(counts))


def _at_once(caller: Caller) -> Row:
    bare_s, _ = _all_of(caller, caller.bare)
    ours_s, printed = _all_of(caller, caller.line("SessionStart"))
    nothing = sum(not text for text in printed)
    stood_in = sum(text.startswith(STOOD_IN) for text in printed)
    late = nothing + stood_in
    how = f"{AT_ONCE - late} answered by the daemon, {stood_in} by a process, {nothing} not at all"
    what = f"{AT_ONCE} sessions start at once: {how}; time for all (bare: the same curl)"
    return Row(
        what, shown(ours_s * MS, "ms"), shown(bare_s * MS, "ms"), ours_s / bare_s, "session-start-late", float(late)
    )


def _all_of(caller: Caller, line: str) -> tuple[float, list[str]]:
    payloads = [caller.session_starts() for _ in range(AT_ONCE)]
    began = time.perf_counter()
    printed = [printed_by(process) for process in [caller.start(line, payload) for payload in payloads]]
    return time.perf_counter() - began, printed
