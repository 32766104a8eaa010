"""Runs the user's own commands for the page, as child processes, with their arguments as a list and no shell.

Their modules come from where ours do: never from a working folder, which could be a stranger's repository.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from carryover.daemon.own_page import ENVIRONMENT
from carryover.faces.page.answers import CommandAnswer, CommandBody
from carryover.fsio import write_if_changed
from carryover.model import is_plain_id
from carryover.platform import MACOS, here
from carryover.terminal.paths import quoted

CARRYOVER: Final = (sys.executable, "-P", "-m", "carryover.faces.cli.main")
_OUR_OWN: Final = ("CARRYOVER_HOME", "PYTHONPATH")
_LIMIT_S: Final = 330.0
"""Longer than `carryover forget` waits for the daemon."""
_NOTES: Final = "the user's notes"
_OUTPUT_CHARS: Final = 64_000
_MACOS_SCRIPT: Final = "continue.command"


async def run(
    words: Sequence[str], env: Mapping[str, str], text: str = "", *, limit_s: float = _LIMIT_S
) -> tuple[int | None, bytes]:
    """Runs `carryover` with these words; returns its exit code and what it printed. None if it took too long."""
    child = await asyncio.create_subprocess_exec(
        *(*CARRYOVER, *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=dict(env),
        cwd="/",
    )
    try:
        async with asyncio.timeout(limit_s):
            printed, _ = await child.communicate(text.encode("utf-8", "replace"))
        return child.returncode, printed
    except TimeoutError:
        return None, b""
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()


async def answer_command(
    body: CommandBody, root: str, env: Mapping[str, str], state: Path, *, limit_s: float = _LIMIT_S
) -> CommandAnswer:
    """Does what was asked in the project at `root`. `to` opens a terminal window, or returns the line if it can't."""
    words = command_words(body, root)
    if body.command == "to":
        one = f" --session {quoted(_session(body))}" if body.session else ""
        line = f"cd {quoted(root)} && carryover to {body.agent}{one}"
        argv = (*CARRYOVER, *words)
        was_run = not body.preview and await asyncio.to_thread(open_terminal, argv, env, state)
        ok = was_run or body.preview
        output = "" if ok else "No terminal window could be opened. Copy the command and run it in a terminal."
        return CommandAnswer(argv=("carryover", *words), ok=ok, output=output, line=line, was_run=was_run)
    code, printed = await run(words, env, body.text if body.command == "note" else "", limit_s=limit_s)
    output = printed.decode("utf-8", "replace")[:_OUTPUT_CHARS]
    if code is None:
        output = f"The command has not ended within {limit_s:g} s. Run it in a terminal to see why."
    return CommandAnswer(argv=("carryover", *words), ok=code == 0, output=output)


def command_words(body: CommandBody, root: str) -> tuple[str, ...]:
    """Returns the words of the command line after `carryover`. `root` is an absolute path, so it is never an option."""
    one = ("--session", _session(body)) if body.session else ()
    match body.command:
        case "pause" | "unpause":
            return (body.command, root)
        case "note":
            return ("note", "--project", root, f"--from={body.agent or _NOTES}")
        case "to":
            return ("to", body.agent, root, *one)
        case "handoff":
            return ("handoff", root, "--raw", *one)
        case "forget":
            which = (_session(body),) if body.session else ("--project", root)
            return ("forget", *which, "--dry-run" if body.preview else "--yes")


def _session(body: CommandBody) -> str:
    """Returns the session's name in a command: an id that isn't plain could be an option, and `last` is another one."""
    is_clear = is_plain_id(body.session) and body.session != "last"
    return body.session if is_clear else f"{body.session_agent or body.agent}:{body.session}"


def started(argv: Sequence[str], env: Mapping[str, str]) -> bool:
    """Starts a program that outlives the daemon; returns whether that worked. Blocks."""
    try:
        # Left to the shell, which ends at once, the window is no child of the daemon and outlives it.
        subprocess.run(
            ("/bin/sh", "-c", '"$@" </dev/null >/dev/null 2>&1 &', "sh", *argv),
            env=dict(env),
            cwd="/",
            start_new_session=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def open_terminal(
    argv: Sequence[str],
    env: Mapping[str, str],
    state: Path,
    *,
    start: Callable[[Sequence[str], Mapping[str, str]], bool] = started,
) -> bool:
    """Opens a terminal window that runs `argv`; returns whether that worked. Blocks."""
    if here().name == MACOS:
        script = state / _MACOS_SCRIPT
        text = f"#!/bin/sh\nrm -f {shlex.quote(str(script))}\nexec {shlex.join(argv)}\n"
        write_if_changed(script, text.encode(errors="surrogateescape"), mode=0o700, follow=False)
        return start(("/usr/bin/open", "-a", "Terminal", str(script)), env)
    program = _on_path(env, env.get("TERMINAL", ""), "x-terminal-emulator")
    if program is None or not (env.get("DISPLAY") or env.get("WAYLAND_DISPLAY")):
        return False
    if "INVOCATION_ID" not in env:
        return start((program, "-e", *argv), env)
    # What a service of systemd starts has its limits, is confined like it, and is killed when it is stopped. That must
    # not happen to an agent, so systemd itself is asked to start the window.
    systemd = _on_path(env, "systemd-run")
    passed = [f"--setenv={name}={env[name]}" for name in (*ENVIRONMENT, *_OUR_OWN) if name in env]
    words = ("--user", "--quiet", "--collect", *passed, "--", program, "-e", *argv)
    return systemd is not None and start((systemd, *words), env)


def _on_path(env: Mapping[str, str], *names: str) -> str | None:
    """Returns the first of these programs that is on PATH, in a folder that is absolute."""
    folders = os.pathsep.join(entry for entry in env.get("PATH", os.defpath).split(os.pathsep) if entry.startswith("/"))
    return next((path for name in names if name and (path := shutil.which(name, path=folders))), None)
