"""Replays a recorded session as if an agent were writing it now, in a throw-away project whose files really change.

The recordings are of Claude Code 2.1.328, without the bulky records that are not conversation. Made real again while
they are replayed: the project's path, the times, and the files that the recorded edits changed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any, Final

from carryover.cli.demo.throwaway import ThrowAway
from carryover.cli.output import Progress, counted
from carryover.errors import UserError

RECORDED_PROJECT: Final = "/home/dev/shop"
"""Where the project lay when the sessions were recorded; no other path of the recordings is kept."""

FIRST_FILES: Final = {
    "README.md": "# shop\n",
    "CLAUDE.md": "# Shop\nRun tests with `python3 -m unittest`.\n",
    "cart.py": "def total(items):\n    return sum(items)\n",
}
"""The project as it was before the first recorded session."""

AUTHOR: Final = ("-c", "user.name=Demo", "-c", "user.email=demo@example.invalid", "-c", "commit.gpgsign=false")

TIMESTAMP: Final = re.compile(rb'"timestamp":"[^"]*"')


@dataclass(frozen=True, slots=True)
class Step:
    """One transcript line that was just written. `number` of `total` counts over all sessions."""

    number: int
    total: int


def make_project(root: Path, env: Mapping[str, str]) -> None:
    """A git repository at `root` with the files the recorded sessions began with, committed."""
    root.mkdir(parents=True)
    for name, text in FIRST_FILES.items():
        (root / name).write_text(text, encoding="utf-8")
    for command in (["init", "-q", "--initial-branch=main"], ["add", "--all"], ["commit", "-q", "-m", "Shop"]):
        subprocess.run(["git", *AUTHOR, *command], cwd=root, env=env, check=True, stdin=subprocess.DEVNULL)


def replay(claude_home: Path, project: Path) -> Iterator[Step]:
    """Write the recorded sessions below `claude_home` (a folder such as `~/.claude`), one line for each step taken.

    Where a line is the result of an edit, the file in `project` is changed just before, as the agent would have.
    """
    sessions = [resource.read_bytes().splitlines() for resource in _recordings()]
    total = sum(len(lines) for lines in sessions)
    number = 0
    for lines in sessions:
        transcript = _transcript_path(claude_home, project, json.loads(lines[0])["sessionId"])
        transcript.parent.mkdir(parents=True, exist_ok=True)
        for line in lines:
            line = _made_now(line, project)
            _apply_edit(json.loads(line))
            with transcript.open("ab") as file:
                file.write(line + b"\n")
            number += 1
            yield Step(number, total)


def _recordings() -> list[Any]:
    folder = resources.files(__package__)
    return sorted((entry for entry in folder.iterdir() if entry.name.endswith(".jsonl")), key=lambda entry: entry.name)


def _transcript_path(claude_home: Path, project: Path, session: str) -> Path:
    # Claude Code 2.1.328: every character of the start folder's path that is no ASCII letter or digit becomes "-".
    slug = re.sub(r"[^A-Za-z0-9]", "-", str(project))
    return claude_home / "projects" / slug / f"{session}.jsonl"


def _made_now(line: bytes, project: Path) -> bytes:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    path_in_json = json.dumps(str(project))[1:-1].encode()
    return TIMESTAMP.sub(f'"timestamp":"{now}"'.encode(), line.replace(RECORDED_PROJECT.encode(), path_in_json))


def _apply_edit(record: dict[str, Any]) -> None:
    match record.get("toolUseResult"):
        case {"filePath": str(path), "oldString": str(old), "newString": str(new)}:
            file = Path(path)
            file.write_text(file.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
        case {"type": "create" | "update", "filePath": str(path), "content": str(content)}:
            Path(path).write_text(content, encoding="utf-8")


LINE_PAUSE_S: Final = 0.12
"""Between two lines of the replay: fast enough to watch, slow enough to see that each is followed."""

KEPT_VARIABLES: Final = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""All that is taken over from the surroundings: no variable may lead this daemon to the user's own files."""


def from_recording(place: ThrowAway, *, line_pause_s: float = LINE_PAUSE_S) -> tuple[str, str]:
    """Replay the recorded sessions while a daemon watches; the project's root and its handoff at the end."""
    home = place.root / "home"
    project = home / "shop"
    env = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ} | {"HOME": str(home)}
    make_project(project, env)
    with place.running_daemon(env):
        _watch_replay(place, home / ".claude", project, line_pause_s)
        text = place.published(str(project))
    if text is None:
        raise UserError("The replayed session gave no handoff.")
    return str(project), text


def _watch_replay(place: ThrowAway, claude_home: Path, project: Path, line_pause_s: float) -> None:
    progress = Progress(sys.stdout)
    versions: set[str | None] = {None}
    for step in replay(claude_home, project):
        time.sleep(line_pause_s)
        versions.add(place.published(str(project)))
        progress.update(
            step.number / step.total, f"{step.number} of {step.total} lines written, {_followed(place, versions)}"
        )
    place.settle()
    versions.add(place.published(str(project)))
    progress.finish(f"Followed to the end: {step.total} lines written, {_followed(place, versions)}")


def _followed(place: ThrowAway, versions: set[str | None]) -> str:
    return f"{counted(place.counts().events, 'event')} recorded, {counted(len(versions) - 1, 'version')} of the handoff"
