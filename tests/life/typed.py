"""The events of a session, whichever agent is said to have had it."""

from __future__ import annotations

import difflib
import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from carryover.model import (
    AgentSummary,
    Answer,
    AnyBody,
    AssistantMessage,
    Event,
    FileEdit,
    Op,
    PlanItem,
    PlanProposal,
    PlanState,
    PlanUpdate,
    Question,
    QueuedPrompt,
    ResultStatus,
    Retracted,
    SessionInfo,
    ToolCall,
    ToolResult,
    TurnEnd,
    UserPrompt,
)

_STATES: Final[Mapping[str, PlanState]] = {"x": "done", "~": "active", " ": "pending"}


class Typed:
    """A session that grows. Each method adds what happens at the time that was set last."""

    def __init__(self, agent: str, folder: str, now: datetime, parent: str | None) -> None:
        self.agent = agent
        self.session = str(uuid.uuid4())
        self.folder = folder
        self.events: list[Event] = []
        self._now = now
        self._branch = ""
        self._parent = parent
        self._turns: list[list[str]] = []
        self._count = 0

    def at(self, now: datetime, branch: str) -> None:
        self._now = now
        if branch != self._branch:
            self._branch = branch
            self._add(SessionInfo(branch=branch or None, parent=self._parent))

    def prompt(self, text: str) -> None:
        self._turns.append([])
        self._add(UserPrompt(text=text))

    def answer(self, text: str) -> None:
        self._add(AssistantMessage(text=text, final=True))

    def says(self, text: str) -> None:
        self._add(AssistantMessage(text=text, final=False))

    def edit(self, path: Path, before: str | None, after: str) -> None:
        shown = str(path)
        call_id = self._call("edit" if before is not None else "write", shown)
        diff = [*difflib.unified_diff((before or "").splitlines(), after.splitlines(), n=1, lineterm="")][2:]
        added, removed = (sum(line.startswith(mark) for line in diff) for mark in "+-")
        change: Any = "add" if before is None else "modify"
        self._add(
            FileEdit(
                path=shown, change=change, call_id=call_id, added=added, removed=removed, line=1, diff="\n".join(diff)
            )
        )

    def run(self, command: str, output: str, exit_code: int) -> None:
        status: ResultStatus = "error" if exit_code else "ok"
        self._call("shell", command, output, exit_code=exit_code, status=status, folder=self.folder)

    def read(self, path: Path, text: str) -> None:
        self._call("read", str(path), text)

    def ask(self, question: str, options: tuple[str, ...], answer: str | None) -> None:
        call_id = self._opens("ask", question)
        self._add(Question(call_id=call_id, text=question, options=options))
        if answer is not None:
            self._ends(call_id, "ask", question)
            self._add(Answer(call_id=call_id, question=question, text=answer))

    def todo(self, items: list[PlanItem]) -> None:
        self._call("plan", "")
        self._add(PlanUpdate(items=tuple(items)))

    def plan(self, text: str, accepted: bool | None) -> None:
        call_id = self._opens("plan", "")
        self._add(PlanProposal(call_id=call_id, text=text))
        if accepted is not None:
            self._ends(call_id, "plan", "", status="ok" if accepted else "denied")
            self._add(PlanProposal(call_id=call_id, text=text if accepted else "", accepted=accepted))

    def refused(self, command: str, words: str) -> None:
        call_id = self._opens("shell", command)
        self._ends(call_id, "shell", command, status="denied", user_words=words, never_ran=True)
        if words:
            self.prompt(words)

    def hangs(self, command: str) -> None:
        self._opens("shell", command)

    def queued(self, text: str) -> None:
        self._add(QueuedPrompt(text=text))

    def compaction(self, text: str) -> None:
        self._add(AgentSummary(text=text, source="compaction"))

    def limit(self, resets: str) -> None:
        again = f" Try again at {resets}." if resets else ""
        self._add(TurnEnd(reason="limit", message=f"You've hit your usage limit.{again}", resets=resets or None))

    def interrupted(self) -> None:
        self._add(TurnEnd(reason="interrupted"))

    def undo(self, turns: int) -> None:
        gone = [key for turn in self._turns[-turns:] for key in turn]
        del self._turns[-turns:]
        self._add(Retracted(keys=tuple(gone)))

    def _call(self, op: Op, subject: str, output: str = "", **how: Any) -> str:
        call_id = self._opens(op, subject)
        self._ends(call_id, op, subject, output=output, **how)
        return call_id

    def _opens(self, op: Op, subject: str) -> str:
        call_id = f"call-{self._count}"
        self._add(ToolCall(call_id=call_id, name=op.capitalize(), op=op, subject=subject))
        return call_id

    def _ends(self, call_id: str, op: Op, subject: str, *, status: ResultStatus = "ok", **how: Any) -> None:
        self._add(ToolResult(call_id=call_id, name=op.capitalize(), op=op, status=status, subject=subject, **how))

    def _add(self, body: AnyBody) -> None:
        self._count += 1
        key = f"{self.session}:{self._count}"
        at_ms = int(self._now.timestamp() * 1000) + self._count % 100
        self.events.append(Event(key=key, session=self.session, at_ms=at_ms, body=body, cwd=self.folder))
        if self._turns and isinstance(body, UserPrompt | AssistantMessage | TurnEnd):
            self._turns[-1].append(key)


def todo_items(lines: tuple[str, ...]) -> list[PlanItem]:
    """Returns the items of lines such as `[x] done`, `[~] at work`, `[ ] open`."""
    return [PlanItem(text=line[4:], state=_STATES[line[1]]) for line in lines]
