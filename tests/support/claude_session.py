"""Writes transcripts as Claude Code 2.1.328 does: the fields of its records that matter, one JSON object a line."""

import difflib
import json
import os
import re
import subprocess
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

from carryover.adapter.contract import Source
from carryover.agents import adapters
from support.repository import git


@dataclass
class ClaudeSession:
    """One session. The `*_line` methods give a record's line, each a second after the last; the others append it."""

    folder: Path
    cwd: Path
    session: str = field(default_factory=lambda: str(uuid.uuid4()))
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    parent: str | None = None
    branch: str = "main"
    calls: int = 0

    @property
    def path(self) -> Path:
        slug = "".join(c if c.isascii() and c.isalnum() else "-" for c in str(self.cwd))
        return self.folder / slug / f"{self.session}.jsonl"

    @property
    def source(self) -> Source:
        source = adapters()["claude-code"].source_of(self.path, self.folder)
        assert source is not None
        return source

    def prompt_line(self, text: str) -> bytes:
        return self.line(type="user", message={"role": "user", "content": text}, promptSource="typed")

    def answer_line(self, text: str, *, stop_reason: str = "end_turn") -> bytes:
        return self._assistant({"type": "text", "text": text}, stop_reason)

    def call_line(self, call_id: str, command: str) -> bytes:
        call = {"type": "tool_use", "id": call_id, "name": "Bash", "input": {"command": command, "description": "run"}}
        return self._assistant(call, "tool_use")

    def result_line(self, call_id: str, output: str) -> bytes:
        result = {"tool_use_id": call_id, "type": "tool_result", "content": output, "is_error": False}
        details = {"stdout": output, "stderr": "", "interrupted": False, "isImage": False}
        return self.line(type="user", message={"role": "user", "content": [result]}, toolUseResult=details)

    def prompt(self, text: str) -> None:
        self.append(self.prompt_line(text))

    def run(self, command: str, output: str = "", exit_code: int = 0) -> None:
        """A command, and how it ended."""
        content = f"Exit code {exit_code}\n{output}" if exit_code else output
        details: Any = f"Error: {content}" if exit_code else {"stdout": output, "stderr": "", "interrupted": False}
        self.ends(
            self.opens("Bash", {"command": command, "description": "Run it"}), content, details, failed=exit_code != 0
        )

    def answer(self, text: str) -> None:
        self.append(self.answer_line(text))

    def work(
        self,
        prompt: str = "Add a discount function to the cart",
        answer: str = "I wrote discount(). Next I will add tests for negative amounts.",
    ) -> Self:
        """One turn."""
        self.prompt(prompt)
        self.answer(answer)
        return self

    def opens(self, name: str, given: dict[str, Any]) -> str:
        """A call of a tool that has no result yet; its id."""
        self.calls += 1
        call_id = f"toolu_{self.calls}"
        self.append(self._assistant({"type": "tool_use", "id": call_id, "name": name, "input": given}, "tool_use"))
        return call_id

    def ends(self, call_id: str, content: str, details: Any, *, failed: bool = False, **fields: Any) -> None:
        """The result of a call: what the model reads, and what the client keeps of it."""
        block = {"tool_use_id": call_id, "type": "tool_result", "content": content, "is_error": failed}
        message = {"role": "user", "content": [block]}
        self.append(self.line(type="user", message=message, toolUseResult=details, **fields))

    def limit(self, resets: str = "3pm (Europe/Amsterdam)") -> None:
        """What the client writes in place of an answer at a usage limit."""
        text = "You've hit your session limit" + (f" · resets {resets}" if resets else "")
        message = {"role": "assistant", "model": "<synthetic>", "content": [{"type": "text", "text": text}]}
        flags = {"isApiErrorMessage": True, "error": "rate_limit", "apiErrorStatus": 429}
        self.append(self.line(type="assistant", message=message, **flags))

    def compaction(self, summary: str) -> None:
        """The client sums up what was said, and goes on from that."""
        metadata = {"trigger": "auto", "preTokens": 160_000}
        boundary = {"subtype": "compact_boundary", "content": "Conversation compacted", "compactMetadata": metadata}
        self.append(self.line(type="system", isMeta=False, **boundary))
        self.append(self.line(type="user", message={"role": "user", "content": summary}, isCompactSummary=True))

    def append(self, data: bytes) -> None:
        """Write `data` at the end, in one go, as the client does."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab", buffering=0) as file:
            file.write(data)

    def _assistant(self, block: dict[str, Any], stop_reason: str) -> bytes:
        message = {
            "id": f"msg_{uuid.uuid4().hex[:24]}",
            "type": "message",
            "role": "assistant",
            "model": "claude-opus-5-5",
            "content": [block],
            "stop_reason": stop_reason,
            "usage": {"input_tokens": 1200, "output_tokens": 40},
        }
        return self.line(type="assistant", message=message, requestId=f"req_{uuid.uuid4().hex[:24]}")

    def line(self, **fields: Any) -> bytes:
        self.now += timedelta(seconds=1)
        ident = str(uuid.uuid4())
        record = {
            "parentUuid": self.parent,
            "isSidechain": False,
            **fields,
            "uuid": ident,
            "timestamp": self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "userType": "external",
            "entrypoint": "cli",
            "cwd": str(self.cwd),
            "sessionId": self.session,
            "version": "2.1.328",
            "gitBranch": self.branch,
        }
        self.parent = ident
        return json.dumps(record, separators=(",", ":")).encode() + b"\n"


UPDATED: Final = "The file has been updated successfully."
_HUNK: Final = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@")


@dataclass
class ClaudeWork(ClaudeSession):
    """Each act is a call, its effect on disk, and its result. Commits have the session's time."""

    def write(self, name: str, text: str) -> None:
        path, given = self.cwd / name, {"file_path": str(self.cwd / name), "content": text}
        before = path.read_text() if path.exists() else None
        call_id = self.opens("Write", given)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        kind = "create" if before is None else "update"
        patch = {"type": kind, "filePath": str(path), "structuredPatch": hunks(before or "", text)}
        self.ends(call_id, UPDATED, patch)

    def edit(self, name: str, old: str, new: str) -> None:
        """`old`, which is once in the file `name`, becomes `new`."""
        path = self.cwd / name
        before = path.read_text()
        after = before.replace(old, new)
        assert before.count(old) == 1
        call_id = self.opens("Edit", {"file_path": str(path), "old_string": old, "new_string": new})
        path.write_text(after)
        self.ends(call_id, UPDATED, {"filePath": str(path), "structuredPatch": hunks(before, after)})

    def commit(self, subject: str) -> str:
        """Everything is committed by the session's `git commit`; the id of the commit."""
        command = f"git add -A && git commit -m {json.dumps(subject)}"
        call_id = self.opens("Bash", {"command": command, "description": "commit"})
        said = commit(self.cwd, subject, at=self.now)
        self.append(self.result_line(call_id, said))
        return head(self.cwd)

    def later(self, **time: int) -> None:
        self.now += timedelta(**time)


def commit(root: Path, subject: str, *, at: datetime) -> str:
    when = {"GIT_AUTHOR_DATE": at.isoformat(), "GIT_COMMITTER_DATE": at.isoformat()}
    git(root, "add", "--all")
    command = ["git", "commit", "-m", subject]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True, env=os.environ | when).stdout


def head(root: Path) -> str:
    return git(root, "rev-parse", "HEAD").strip()


def hunks(before: str, after: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for line in [*difflib.unified_diff(before.splitlines(), after.splitlines(), n=3, lineterm="")][2:]:
        if header := _HUNK.match(line):
            found.append({"newStart": int(header[1]), "lines": []})
        else:
            found[-1]["lines"].append(line)
    return found
