"""Replays a session as if it were written now, in a temporary project whose files really change.

The session is the README's example, in the form of Claude Code 2.1.328; `make picture` writes it.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

RECORDED_PROJECT: Final = "/home/dev/shop"
"""The project's path in a recorded session, which contains no other path."""

FIRST_FILES: Final = {
    "cart.py": "def total(items):\n    return sum(items)\n",
    "checkout.py": "def pay(items):\n    return total(items)\n",
}
"""The project's files before the example."""

AUTHOR: Final = ("-c", "user.name=Demo", "-c", "user.email=demo@example.invalid", "-c", "commit.gpgsign=false")

TIMESTAMP: Final = re.compile(rb'"timestamp":"[^"]*"')


def make_project(root: Path, env: Mapping[str, str], files: Mapping[str, str] = FIRST_FILES) -> None:
    """Creates a git repository at `root` and commits the files that a recorded session started with."""
    root.mkdir(parents=True)
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")
    for command in (["init", "-q", "--initial-branch=main"], ["add", "--all"], ["commit", "-q", "-m", "Shop"]):
        subprocess.run(["git", *AUTHOR, *command], cwd=root, env=env, check=True, stdin=subprocess.DEVNULL)


def example() -> bytes:
    """Returns the README's example as it was recorded."""
    return Path(__file__).with_name("shop.jsonl").read_bytes()


def replay(claude_home: Path, project: Path, recording: bytes) -> None:
    """Writes a recorded session below `claude_home` (a folder such as `~/.claude`), line by line.

    If a line is the result of an edit, the file in `project` is changed just before it, as the agent would have.
    """
    # Claude Code 2.1.328: every character of the start folder's path that is not an ASCII letter or digit becomes "-".
    folder = claude_home / "projects" / re.sub(r"[^A-Za-z0-9]", "-", str(project))
    folder.mkdir(parents=True, exist_ok=True)
    path_in_json = json.dumps(str(project))[1:-1].encode()
    lines = recording.replace(RECORDED_PROJECT.encode(), path_in_json).splitlines()
    with (folder / f"{json.loads(lines[0])['sessionId']}.jsonl").open("wb") as file:
        for line in lines:
            now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            record = TIMESTAMP.sub(f'"timestamp":"{now}"'.encode(), line)
            _apply_edit(json.loads(record))
            file.write(record + b"\n")


def _apply_edit(record: dict[str, Any]) -> None:
    match record.get("toolUseResult"):
        case {"filePath": str(path), "oldString": str(old), "newString": str(new)}:
            file = Path(path)
            file.write_text(file.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
        case {"type": "create" | "update", "filePath": str(path), "content": str(content)}:
            Path(path).write_text(content, encoding="utf-8")
