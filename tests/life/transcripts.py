"""Sessions as four agents write them. What a writer can't express, `EXPRESSES` does not name: `typed` has all of it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from agents.claude_code.matrix_case import ClaudePlayed
from agents.codex.matrix_case import CodexPlayed
from agents.gemini_cli.matrix_case import GeminiPlayed
from agents.opencode.matrix_case import RowsPlayed
from agents.opencode.stores import LATEST, Client
from carryover.adapter.contract import Source
from carryover.agents import adapters
from carryover.model import PlanItem
from support.claude_session import hunks

_TODO_STATES: Final = {"done": "completed", "active": "in_progress", "pending": "pending"}
REJECTED: Final = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, the "
    "new_string was NOT written to the file). To tell you how to proceed, the user said:\n"
)


class CannotExpress(Exception):
    """This writer has no form for it; `EXPRESSES` says so before anything is written."""


class _Partly:
    """What a transcript's writer leaves to typed events."""

    def ask(self, question: str, options: tuple[str, ...], answer: str | None) -> None:
        raise CannotExpress

    def todo(self, items: list[PlanItem]) -> None:
        raise CannotExpress

    def plan(self, text: str, accepted: bool | None) -> None:
        raise CannotExpress

    def refused(self, command: str, words: str) -> None:
        raise CannotExpress

    def queued(self, text: str) -> None:
        raise CannotExpress

    def interrupted(self) -> None:
        raise CannotExpress

    def undo(self, turns: int) -> None:
        raise CannotExpress


class Claude(ClaudePlayed, _Partly):
    """Claude Code's transcript."""

    EXPRESSES: Final = frozenset(
        "says edit run test git read ask todo plan refused hangs queued compaction limit resets interrupted "
        "killed".split()
    )

    def __init__(self, home: Path, folder: Path, now: datetime, _parent: str | None) -> None:
        super().__init__(home, folder, now)
        self._waiting: list[str] = []

    def at(self, now: datetime, branch: str) -> None:
        self.now, self.branch = now, branch

    def prompt(self, text: str) -> None:
        if text in self._waiting:
            self._waiting.remove(text)
            self.append(self.line(type="queue-operation", operation="dequeue"))
        super().prompt(text)

    def says(self, text: str) -> None:
        self.append(self.answer_line(text, stop_reason="tool_use"))

    def edit(self, path: Path, before: str | None, after: str) -> None:
        shown = {"filePath": str(path), "structuredPatch": hunks(before or "", after)}
        if before is None:
            given, result = {"file_path": str(path), "content": after}, {**shown, "type": "create"}
            self.ends(self.opens("Write", given), f"File created successfully at: {path}", result)
        else:
            old, new = _changed(before, after)
            given = {"file_path": str(path), "old_string": old, "new_string": new}
            self.ends(self.opens("Edit", given), "The file has been updated.", shown)

    def read(self, path: Path, text: str) -> None:
        self.ends(self.opens("Read", {"file_path": str(path)}), text, {"type": "text"})

    def ask(self, question: str, options: tuple[str, ...], answer: str | None) -> None:
        labels = [{"label": option, "description": ""} for option in options]
        given = {"questions": [{"question": question, "header": "Choice", "options": labels, "multiSelect": False}]}
        call_id = self.opens("AskUserQuestion", given)
        if answer is not None:
            content = f'User has answered your questions: "{question}"="{answer}".'
            self.ends(call_id, content, {"answers": {question: answer}})

    def todo(self, items: list[PlanItem]) -> None:
        todos = [{"content": i.text, "status": _TODO_STATES[i.state], "activeForm": i.text} for i in items]
        self.ends(self.opens("TodoWrite", {"todos": todos}), "Todos have been modified.", {"newTodos": todos})

    def plan(self, text: str, accepted: bool | None) -> None:
        call_id = self.opens("ExitPlanMode", {"plan": text})
        if accepted:
            self.ends(call_id, "User has approved your plan.", {"plan": text})
        elif accepted is not None:
            refusal = "User chose to stay in plan mode and continue planning"
            self.ends(call_id, refusal, f"Error: {refusal}", failed=True)

    def refused(self, command: str, words: str) -> None:
        call_id = self.opens("Bash", {"command": command, "description": "Run it"})
        content = f"{REJECTED}{words}" if words else REJECTED.partition(" To tell you")[0]
        denial = {"toolDenialKind": "user-rejected", "toolDenialBeforeRun": True}
        self.ends(call_id, content, "User rejected tool use", failed=True, **denial)

    def hangs(self, command: str) -> None:
        self.opens("Bash", {"command": command, "description": "Run it"})

    def queued(self, text: str) -> None:
        self._waiting.append(text)
        self.append(self.line(type="queue-operation", operation="enqueue", content=text))

    def interrupted(self) -> None:
        self.append(self.prompt_line("[Request interrupted by user]"))


class Codex(CodexPlayed, _Partly):
    """Codex's rollout."""

    EXPRESSES: Final = frozenset(
        "says edit run test git read todo hangs compaction limit resets interrupted killed undo fork".split()
    )

    def __init__(self, home: Path, folder: Path, now: datetime, parent: str | None) -> None:
        super().__init__(home, folder, now)
        self.forked_from = parent
        self._root = home / ".codex" / "sessions"

    @property
    def source(self) -> Source:
        source = adapters()["codex"].source_of(self.path, self._root)
        assert source is not None
        return source

    def at(self, now: datetime, branch: str) -> None:
        self.now, self.branch = now, branch

    def edit(self, path: Path, before: str | None, after: str) -> None:
        self.change(self._next_call(), path, before, after)

    def read(self, path: Path, text: str) -> None:
        self.run(f"cat {path}", text, 0)

    def todo(self, items: list[PlanItem]) -> None:
        steps = [{"step": item.text, "status": _TODO_STATES[item.state]} for item in items]
        self.planned(self._next_call(), steps)

    def hangs(self, command: str) -> None:
        self.command(self._next_call(), command)

    def limit(self, resets: str) -> None:
        again = f", or try again at {resets}." if resets else "."
        super().limit(f"You’ve hit your usage limit. Upgrade to Pro{again}")


class Gemini(GeminiPlayed, _Partly):
    """Gemini CLI's chat."""

    EXPRESSES: Final = frozenset("says edit run test git read todo compaction limit interrupted killed undo".split())

    def __init__(self, home: Path, folder: Path, now: datetime, _parent: str | None) -> None:
        super().__init__(home, folder, now)
        self._root = home / ".gemini" / "tmp"

    @property
    def source(self) -> Source:
        source = adapters()["gemini-cli"].source_of(self.path, self._root)
        assert source is not None
        return source

    def at(self, now: datetime, branch: str) -> None:
        self._now = now
        del branch  # not recorded

    def answer(self, text: str) -> None:
        self.say(text)

    def says(self, text: str) -> None:
        self.say(text)

    def edit(self, path: Path, before: str | None, after: str) -> None:
        diff = "\n".join(
            difflib.unified_diff((before or "").split("\n"), after.split("\n"), "Current", "Proposed", lineterm="")
        )
        shown = {"fileDiff": diff, "fileName": path.name, "filePath": str(path), "isNewFile": before is None}
        if before is None:
            done = f"Successfully created and wrote to new file: {path}."
            self._call("write_file", {"file_path": str(path), "content": after}, done, shown)
        else:
            old, new = _changed(before, after)
            args = {"file_path": str(path), "instruction": "edit", "old_string": old, "new_string": new}
            self._call("replace", args, f"Successfully modified file: {path} (1 replacements).", shown)

    def read(self, path: Path, text: str) -> None:
        self._call("read_file", {"file_path": str(path)}, text, "")

    def todo(self, items: list[PlanItem]) -> None:
        todos = [{"description": item.text, "status": _TODO_STATES[item.state]} for item in items]
        self._call("write_todos", {"todos": todos}, "Successfully updated the todo list.", "")

    def hangs(self, command: str) -> None:
        raise CannotExpress

    def limit(self, resets: str) -> None:
        if resets:
            raise CannotExpress
        self.end("limit")

    def interrupted(self) -> None:
        self._add(self._message("info", "Request cancelled."))

    def undo(self, turns: int) -> None:
        self._write({"$rewindTo": self._asked[-turns]["id"]})
        del self._asked[-turns:]


class Opencode(RowsPlayed, _Partly):
    """opencode's database."""

    EXPRESSES: Final = frozenset("says edit run test git read ask todo hangs compaction limit killed".split())

    def __init__(self, home: Path, folder: Path, now: datetime, _parent: str | None) -> None:
        super().__init__(LATEST, home, folder, now)

    @property
    def source(self) -> Source:
        source = adapters()["opencode"].source_of(self._path, self._path.parent)
        assert source is not None
        return source

    def at(self, now: datetime, branch: str) -> None:
        self._at_ms = int(now.timestamp() * 1000)
        del branch  # not recorded

    def answer(self, text: str) -> None:
        self.say(text)

    def says(self, text: str) -> None:
        self._write(lambda client: client.say(self.session, self._next(), text, finish="tool-calls"))

    def edit(self, path: Path, before: str | None, after: str) -> None:
        if before is None:
            given = {"filePath": str(path), "content": after}
            self._call("write", given, output="Wrote file successfully.", metadata={"exists": False})
        else:
            old, new = _changed(before, after)
            given = {"filePath": str(path), "oldString": old, "newString": new}
            self._call("edit", given, output="Edit applied successfully.")

    def read(self, path: Path, text: str) -> None:
        self._call("read", {"filePath": str(path)}, output=text)

    def ask(self, question: str, options: tuple[str, ...], answer: str | None) -> None:
        labels = [{"label": option, "description": ""} for option in options]
        given = {"questions": [{"question": question, "header": "Choice", "options": labels}]}
        if answer is None:
            self.unanswered("question", given)
        else:
            self._call("question", given, output="User has answered.", metadata={"answers": [[answer]]})

    def todo(self, items: list[PlanItem]) -> None:
        todos = [{"content": item.text, "status": _TODO_STATES[item.state], "id": item.text} for item in items]
        self._call("todowrite", {"todos": todos}, output=json.dumps(todos), metadata={"todos": todos})

    def hangs(self, command: str) -> None:
        self.unanswered("bash", {"command": command})

    def limit(self, resets: str) -> None:
        if resets:
            raise CannotExpress
        self.end("limit")

    def _write(self, change: Callable[[Client], str]) -> str:
        """As always, without waiting for the disk."""
        with Client(self._path, LATEST) as client:
            client.db.execute("PRAGMA synchronous = OFF")
            return change(client)


Transcript = Claude | Codex | Gemini | Opencode
TRANSCRIPTS: Final[Mapping[str, type[Transcript]]] = {
    "claude-code": Claude,
    "codex": Codex,
    "gemini-cli": Gemini,
    "opencode": Opencode,
}


def _changed(before: str, after: str) -> tuple[str, str]:
    """Returns the lines that differ, and at least one of each."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    start = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    start = max(0, start - 1)
    return "".join(old[start:]), "".join(new[start:])
