"""A session of Claude Code 2.1.328 that really edits files and commits, as its records say."""

from __future__ import annotations

import difflib
import json
import os
import re
import subprocess
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from support.claude_session import ClaudeSession
from support.repository import git

_HUNK: Final = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@")


@dataclass
class ClaudeWork(ClaudeSession):
    """Each act is a call, its effect on disk, and its result. Commits have the session's time."""

    calls: int = 0

    def write(self, name: str, text: str) -> None:
        """The file `name` gets this content, by the tool that writes a whole file."""
        path, given = self.cwd / name, {"file_path": str(self.cwd / name), "content": text}
        before = path.read_text() if path.exists() else None
        call_id = self._call("Write", given)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        kind = "create" if before is None else "update"
        self._result(call_id, {"type": kind, "filePath": str(path), "structuredPatch": hunks(before or "", text)})

    def edit(self, name: str, old: str, new: str) -> None:
        """`old`, which is once in the file `name`, becomes `new`."""
        path = self.cwd / name
        before = path.read_text()
        after = before.replace(old, new)
        assert before.count(old) == 1
        call_id = self._call("Edit", {"file_path": str(path), "old_string": old, "new_string": new})
        path.write_text(after)
        self._result(call_id, {"filePath": str(path), "structuredPatch": hunks(before, after)})

    def commit(self, subject: str) -> str:
        """Everything is committed by the session's `git commit`; the id of the commit."""
        command = f"git add -A && git commit -m {json.dumps(subject)}"
        call_id = self._call("Bash", {"command": command, "description": "commit"})
        said = commit(self.cwd, subject, at=self.now)
        self.append(self.result_line(call_id, said))
        return head(self.cwd)

    def later(self, **time: int) -> None:
        """Time passes, as in `timedelta`."""
        self.now += timedelta(**time)

    def _call(self, name: str, given: dict[str, Any]) -> str:
        self.calls += 1
        call_id = f"toolu_{self.session[:8]}_{self.calls}"
        self.append(self._assistant({"type": "tool_use", "id": call_id, "name": name, "input": given}, "tool_use"))
        return call_id

    def _result(self, call_id: str, details: dict[str, Any]) -> None:
        result = {"tool_use_id": call_id, "type": "tool_result", "content": "The file has been updated successfully."}
        self.append(self.line(type="user", message={"role": "user", "content": [result]}, toolUseResult=details))


def commit(root: Path, subject: str, *, at: datetime) -> str:
    """Commits everything in `root` at that time; what git says."""
    when = {"GIT_AUTHOR_DATE": at.isoformat(), "GIT_COMMITTER_DATE": at.isoformat()}
    git(root, "add", "--all")
    command = ["git", "commit", "-m", subject]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True, env=os.environ | when).stdout


def head(root: Path) -> str:
    """The id of the newest commit."""
    return git(root, "rev-parse", "HEAD").strip()


def hunks(before: str, after: str) -> list[dict[str, Any]]:
    """The hunks of a diff, as the client keeps them."""
    found: list[dict[str, Any]] = []
    for line in [*difflib.unified_diff(before.splitlines(), after.splitlines(), n=3, lineterm="")][2:]:
        if header := _HUNK.match(line):
            found.append({"newStart": int(header[1]), "lines": []})
        else:
            found[-1]["lines"].append(line)
    return found
