"""Runs the demo: a real daemon reads this machine's history, or a recorded session, once, in a temporary folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Final

from carryover import __version__
from carryover.actions.from_disk import sources_on_disk
from carryover.agents import agent_names
from carryover.cli.demo.replay import make_project, replay
from carryover.config import Config, load_config
from carryover.errors import ExitCode, UserError
from carryover.ingest.scan import FoundSource
from carryover.ledger.queries import connect_read_only, projects, totals
from carryover.paths import StateDir, short_path
from carryover.publish.make import made_handoff
from carryover.terminal.output import counted, size

NEXT: Final = """\
The daemon was stopped and the throw-away folder removed; nothing of yours was changed.

Next:
  {bin}/carryover install   shows what it would write where, asks once, and keeps handoffs fresh
  {bin}/carryoverd          keeps them fresh without an install, and writes nothing that git sees
  {bin}/carryover handoff   prints the handoff of the project you are in
  {bin}/carryover status    says what is watched, and what was skipped and why"""

CONFIG: Final = """\
[publish]
folder = "{handoffs}"

[server]
port = 0
"""
"""Writes handoffs to a separate folder and nothing into projects, and does not use another daemon's port."""

WAIT_LIMIT_S: Final = 60.0
"""How long the demo waits for old history. The newest project is read first, so its handoff is ready long before."""
STOP_LIMIT_S: Final = 15.0
_STOPS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

KEPT_VARIABLES: Final = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH")
"""The only environment variables that a recorded session inherits: none may lead to the user's own files."""


def main() -> int:
    """Runs the demo. Exits with 0 with or without a terminal, and whether or not there is any history."""
    for stop in _STOPS[1:]:
        signal.signal(stop, _leave_in_order)
    try:
        with TemporaryDirectory(prefix="carryover-demo-") as folder:
            try:
                _show(Path(folder).resolve())
            finally:  # a signal during cleanup must not leave half of the folder
                for stop in _STOPS:
                    signal.signal(stop, signal.SIG_IGN)
    except UserError as error:
        print(f"carryover: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print("\nInterrupted. The daemon was stopped and the throw-away folder removed.", file=sys.stderr)
        return ExitCode.INTERRUPTED
    bin_folder = Path(sys.executable).parent
    print(NEXT.format(bin=os.path.relpath(bin_folder) if bin_folder.is_relative_to(Path.cwd()) else bin_folder))
    return ExitCode.OK


def _show(folder: Path) -> None:
    print(f"Carryover {__version__} at work, once, in a throw-away folder.\n")
    state = StateDir(folder / "state")
    state.root.mkdir(mode=0o700)
    state.config.write_text(CONFIG.format(handoffs=folder / "handoffs"), encoding="utf-8")
    history = sources_on_disk(Config())
    found = _from_history(state, history) if history else None
    if found is None:
        print("The transcripts found here hold no work." if history else "No agent's transcripts were found here.")
        print("Reading a recorded session of Claude Code instead.", flush=True)
        found = _from_recording(state, folder / "home")
    root, text = found
    print(f"\nThe handoff of {short_path(root, Path.home())}, where something happened last:\n")
    print(text)


def _from_history(state: StateDir, history: list[FoundSource]) -> tuple[str, str] | None:
    names = ", ".join(name for id_, name in agent_names().items() if any(item.source.agent == id_ for item in history))
    amount = f"{counted(len(history), 'transcript')} of {names} ({size(sum(item.size for item in history))})"
    print(f"Found {amount}. Reading them, newest project first.", flush=True)
    return read_once(state, os.environ)


def _from_recording(state: StateDir, home: Path) -> tuple[str, str]:
    env = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ} | {"HOME": str(home)}
    make_project(home / "shop", env)
    replay(home / ".claude", home / "shop")
    found = read_once(state, env)
    if found is None:
        raise UserError("The recorded session gave no handoff.")
    return found


def read_once(state: StateDir, env: Mapping[str, str], *, limit_s: float = WAIT_LIMIT_S) -> tuple[str, str] | None:
    """Runs a daemon once; returns the newest project's root and handoff, or None if there was nothing to hand over."""
    begin_s = time.monotonic()
    process: subprocess.Popen[bytes] | None = None
    try:
        with _signals_later():  # a signal before `process` is set would leave it running
            process = subprocess.Popen(
                [sys.executable, "-m", "carryover.cli.carryoverd", "--once"],
                env={**env, "CARRYOVER_HOME": str(state.root)},
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches only us, and we stop it in order
            )
        if process.wait(limit_s) != ExitCode.OK:
            raise UserError("The daemon of the demo ended early.")
    except subprocess.TimeoutExpired:
        print("That is more history than a demo should wait for; the rest was left unread this time.")
    finally:
        if process is not None:
            _stop(process)
    with closing(connect_read_only(state.ledger)) as ledger:
        found, config = totals(ledger), load_config(state.config)
        secrets = f", {counted(sum(found.redactions.values()), 'secret')} taken out" if found.redactions else ""
        took = f"in {time.monotonic() - begin_s:.1f} s"
        print(f"{counted(found.sources, 'transcript')} read, {counted(found.events, 'event')}{secrets}, {took}")
        for project in projects(ledger):
            made = made_handoff(ledger, project.id, config, now_ms=int(time.time() * 1000))
            if made.text is not None:
                return project.root, made.text
    return None


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _signals_later() -> Iterator[None]:
    came: list[int] = []
    handlers = {stop: signal.signal(stop, lambda number, _frame: came.append(number)) for stop in _STOPS}
    try:
        yield
    finally:
        for stop, handler in handlers.items():
            signal.signal(stop, handler)
        for number in came[:1]:
            signal.raise_signal(number)


def _leave_in_order(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
