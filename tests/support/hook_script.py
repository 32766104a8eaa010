"""The installed hook_script as an agent runs it, and a program for it to fall back to."""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from carryover.edits.hooks import hook_command
from carryover.paths import StateDir
from carryover.publish.hook_script import write_hook_script
from support.daemon_process import wait_until

SECRET: Final = "5ec2e7" * 10
QUIET: Final = ("", "", 0)
"""Output, errors and exit code of a call that nobody notices."""


@dataclass
class Run:
    """What one call of the hook_script came to. `seconds` is only good for generous limits."""

    out: str
    err: str
    code: int
    seconds: float


class HookScript:
    """The line of an agent's settings, run as the agent does: by `/bin/sh -c`, with the payload on stdin."""

    def __init__(
        self, state: StateDir, home: Path, shell_folder: Path | None = None, *, agent: str = "claude-code"
    ) -> None:
        self.state, self.agent = state, agent
        path = os.environ["PATH"] if shell_folder is None else f"{shell_folder}:{os.environ['PATH']}"
        self.env = {"PATH": path, "HOME": str(home)}

    def line(self, event: str) -> str:
        return hook_command(self.state.root, self.agent, event)

    def start(self, event: str, cwd: Path) -> subprocess.Popen[bytes]:
        command = ["/bin/sh", "-c", self.line(event)]
        return subprocess.Popen(
            command, cwd=cwd, env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def run(self, event: str, payload: bytes | None, cwd: Path, **env: str) -> Run:
        """`payload` None: stdin is closed."""
        line = self.line(event)
        began = time.monotonic()
        done = subprocess.run(
            ["/bin/sh", "-c", line if payload is not None else f"exec <&-; {line}"],
            input=payload or b"",
            cwd=cwd,
            env={**self.env, **env},
            capture_output=True,
            timeout=30,
        )
        return Run(done.stdout.decode(), done.stderr.decode(), done.returncode, time.monotonic() - began)

    def told(self, event: str, payload: bytes, cwd: Path, *words: str) -> Run:
        """Repeats a call, with longer limits, until the answer holds all of `words`. On a busy machine, a daemon that
        has not read everything yet answers with less, or with the file in the project."""
        script = self.state.hook_script.read_text(encoding="utf-8")
        patient = re.sub(r"(?<=\blimit_s=)(0\.8|1\.5)\b", "25", script)
        assert patient.count("limit_s=25") == 2
        self.state.hook_script.write_text(patient, encoding="utf-8")

        def answered() -> Run | None:
            run = self.run(event, payload, cwd)
            return run if all(each in run.out for each in words) else None

        return wait_until("a whole answer", answered)

    def said(self, event: str, payload: bytes | None, cwd: Path, **env: str) -> tuple[str, str, int]:
        run = self.run(event, payload, cwd, **env)
        return run.out, run.err, run.code


Line = Callable[[str], HookScript]


def payload(source: str | None = "startup", *, event: str = "SessionStart", **fields: Any) -> bytes:
    """As Claude Code 2.1.328 writes it, one line; fields given as None are left out."""
    given = {
        "session_id": "c0de0000-0000-4000-8000-000000000001",
        "transcript_path": "/home/o'dev/.claude/projects/-home-dev-shop/c0de0000-0000-4000-8000-000000000001.jsonl",
        "cwd": 'C:\\odd "dir"',
        "hook_event_name": event,
        "source": source,
        **fields,
    }
    reported = {name: value for name, value in given.items() if value is not None}
    return json.dumps(reported, separators=(",", ":")).encode() + b"\n"


def installed(folder: Path) -> StateDir:
    """A state folder as the daemon leaves it when it stops."""
    state = StateDir(folder)
    folder.mkdir(mode=0o700, parents=True)
    state.secret.write_text(f"{SECRET}\n")
    write_hook_script(state)
    return state


def stand_in(state: StateDir, steps: str) -> Path:
    """Put a program that does `steps` in the place of the one that answers without a daemon; its path."""
    program = state.root.parent / "it's a stand-in"
    program.write_text(f"#!/bin/sh\n{steps}\n", encoding="utf-8")
    program.chmod(0o700)
    write_hook_script(state, python=program)
    return program
