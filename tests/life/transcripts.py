"""Sessions as four agents write them. What a writer can't express, `EXPRESSES` does not name: `typed` has all of it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from agents.claude_code.matrix_case import ClaudePlayed
from agents.codex.matrix_case import CodexPlayed
from agents.gemini_cli.matrix_case import THANKS, GeminiPlayed
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

    @property
    def source(self) -> Source:
        return self._to.source

    def at(self, now: datetime, branch: str) -> None:
        self._to.now, self._to.branch = now, branch

    def prompt(self, text: str) -> None:
        if text in self._waiting:
            self._waiting.remove(text)
            self._append(type="queue-operation", operation="dequeue")
        self._to.prompt(text)

    def answer(self, text: str) -> None:
        self._to.answer(text)

    def says(self, text: str) -> None:
        self._to.append(self._to.answer_line(text, stop_reason="tool_use"))

    def edit(self, path: Path, before: str | None, after: str) -> None:
        shown = {"filePath": str(path), "structuredPatch": hunks(before or "", after)}
        if before is None:
            given, result = {"file_path": str(path), "content": after}, {**shown, "type": "create"}
            self._call("Write", given, f"File created successfully at: {path}", result, failed=False)
        else:
            old, new = _changed(before, after)
            given = {"file_path": str(path), "old_string": old, "new_string": new}
            self._call("Edit", given, "The file has been updated.", shown, failed=False)

    def read(self, path: Path, text: str) -> None:
        self._call("Read", {"file_path": str(path)}, text, {"type": "text"}, failed=False)

    def ask(self, question: str, options: tuple[str, ...], answer: str | None) -> None:
        labels = [{"label": option, "description": ""} for option in options]
        given = {"questions": [{"question": question, "header": "Choice", "options": labels, "multiSelect": False}]}
        if answer is None:
            self._opens("AskUserQuestion", given)
        else:
            content = f'User has answered your questions: "{question}"="{answer}".'
            self._call("AskUserQuestion", given, content, {"answers": {question: answer}}, failed=False)

    def todo(self, items: list[PlanItem]) -> None:
        todos = [{"content": i.text, "status": _TODO_STATES[i.state], "activeForm": i.text} for i in items]
        self._call("TodoWrite", {"todos": todos}, "Todos have been modified.", {"newTodos": todos}, failed=False)

    def plan(self, text: str, accepted: bool | None) -> None:
        if accepted is None:
            self._opens("ExitPlanMode", {"plan": text})
        elif accepted:
            self._call("ExitPlanMode", {"plan": text}, "User has approved your plan.", {"plan": text}, failed=False)
        else:
            refusal = "User chose to stay in plan mode and continue planning"
            self._call("ExitPlanMode", {"plan": text}, refusal, f"Error: {refusal}", failed=True)

    def refused(self, command: str, words: str) -> None:
        ident = self._opens("Bash", {"command": command, "description": "Run it"})
        content = f"{REJECTED}{words}" if words else REJECTED.partition(" To tell you")[0]
        block = {"tool_use_id": ident, "type": "tool_result", "content": content, "is_error": True}
        denial = {"toolDenialKind": "user-rejected", "toolDenialBeforeRun": True}
        self._append(
            type="user", message={"role": "user", "content": [block]}, toolUseResult="User rejected tool use", **denial
        )

    def hangs(self, command: str) -> None:
        self._opens("Bash", {"command": command, "description": "Run it"})

    def queued(self, text: str) -> None:
        self._waiting.append(text)
        self._append(type="queue-operation", operation="enqueue", content=text)

    def compaction(self, text: str) -> None:
        metadata = {"trigger": "auto", "preTokens": 160_000}
        self._append(
            type="system",
            subtype="compact_boundary",
            content="Conversation compacted",
            compactMetadata=metadata,
            isMeta=False,
        )
        self._append(type="user", message={"role": "user", "content": text}, isCompactSummary=True)

    def limit(self, resets: str) -> None:
        text = "You've hit your session limit" + (f" · resets {resets}" if resets else "")
        message = {"role": "assistant", "model": "<synthetic>", "content": [{"type": "text", "text": text}]}
        self._append(type="assistant", message=message, isApiErrorMessage=True, error="rate_limit", apiErrorStatus=429)

    def interrupted(self) -> None:
        self._to.append(self._to.prompt_line("[Request interrupted by user]"))

    def _opens(self, name: str, given: dict[str, Any]) -> str:
        self._calls += 1
        ident = f"toolu_{self._calls}"
        call = {"type": "tool_use", "id": ident, "name": name, "input": given}
        message = {"role": "assistant", "model": "claude-opus-5-5", "content": [call], "stop_reason": "tool_use"}
        self._append(type="assistant", message=message)
        return ident


class Codex(CodexPlayed, _Partly):
    """Codex's rollout."""

    EXPRESSES: Final = frozenset(
        "says edit run test git read todo hangs compaction limit resets interrupted killed undo fork".split()
    )

    def __init__(self, home: Path, folder: Path, now: datetime, parent: str | None) -> None:
        super().__init__(home, folder, now)
        self.thread.forked_from = parent
        self._root = home / ".codex" / "sessions"

    @property
    def source(self) -> Source:
        source = adapters()["codex"].source_of(self.thread.path, self._root)
        assert source is not None
        return source

    def at(self, now: datetime, branch: str) -> None:
        self.thread.now, self.thread.branch = now, branch

    def answer(self, text: str) -> None:
        self.thread.answer(text)

    def says(self, text: str) -> None:
        self.thread.commentary(text)

    def edit(self, path: Path, before: str | None, after: str) -> None:
        self.thread.change(self._next_call(), path, before, after)

    def read(self, path: Path, text: str) -> None:
        self.run(f"cat {path}", text, 0)

    def todo(self, items: list[PlanItem]) -> None:
        plan = [{"step": item.text, "status": _TODO_STATES[item.state]} for item in items]
        self.thread.plan(self._next_call(), plan)

    def hangs(self, command: str) -> None:
        self.thread.command(self._next_call(), command)

    def compaction(self, text: str) -> None:
        self.thread.compaction(text)

    def limit(self, resets: str) -> None:
        again = f", or try again at {resets}." if resets else "."
        self.thread.limit(f"You’ve hit your usage limit. Upgrade to Pro{again}")

    def interrupted(self) -> None:
        self.thread.aborted()

    def undo(self, turns: int) -> None:
        self.thread.rolled_back(turns)


class Gemini(GeminiPlayed, _Partly):
    """Gemini CLI's chat."""

    EXPRESSES: Final = frozenset("says edit run test git read todo compaction limit interrupted killed undo".split())

    def __init__(self, home: Path, folder: Path, now: datetime, _parent: str | None) -> None:
        super().__init__(home, folder, now)
        self._root = home / ".gemini" / "tmp"
        self._asked: list[dict[str, Any]] = []

    @property
    def source(self) -> Source:
        source = adapters()["gemini-cli"].source_of(self.path, self._root)
        assert source is not None
        return source

    def at(self, now: datetime, branch: str) -> None:
        self._now = now
        del branch  # not recorded

    def prompt(self, text: str) -> None:
        if not self.path.exists():
            self._begin()
        message = self._message("user", [{"text": text}])
        self._asked.append(message)
        self._add(message)

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

    def compaction(self, text: str) -> None:
        messages = [self._message(kind, [{"text": said}]) for kind, said in (("user", text), ("gemini", THANKS))]
        self._write({"$set": {"messages": [*messages, *self._asked[-1:]], "lastUpdated": self._time()}})
        self._add(self._message("info", ""))

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
            self._unanswered("question", given)
        else:
            self._call("question", given, output="User has answered.", metadata={"answers": [[answer]]})

    def todo(self, items: list[PlanItem]) -> None:
        todos = [{"content": item.text, "status": _TODO_STATES[item.state], "id": item.text} for item in items]
        self._call("todowrite", {"todos": todos}, output=json.dumps(todos), metadata={"todos": todos})

    def hangs(self, command: str) -> None:
        self._unanswered("bash", {"command": command})

    def compaction(self, text: str) -> None:
        message = self._write(lambda client: client.new_id("msg"))
        data = {"role": "user", "time": {"created": self._next()}}

        def put(client: Client) -> str:
            client.message(self.session, message, self._at_ms, data)
            client.part(self.session, message, self._at_ms, {"type": "compaction", "auto": True})
            return client.say(self.session, self._next(), text, summary=True, mode="compaction")

        self._write(put)

    def limit(self, resets: str) -> None:
        if resets:
            raise CannotExpress
        self.end("limit")

    def _write(self, change: Callable[[Client], str]) -> str:
        """As always, without waiting for the disk."""
        with Client(self._path, LATEST) as client:
            client.db.execute("PRAGMA synchronous = OFF")
            return change(client)

    def _unanswered(self, tool: str, given: dict[str, Any]) -> None:
        def put(client: Client) -> str:
            message = client.answer(self.session, self._next())
            return client.tool(self.session, message, self._next(), tool, given, status="running")

        self._write(put)


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
