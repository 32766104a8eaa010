"""A session as its agent records it: model events, one minute apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from carryover import model
from carryover.model import AssistantMessage, Event, Op, TurnEnd
from support.conversation import MINUTE_MS, ROOT

Cut = Literal["limit", "kill", "compaction", "interrupted"]
"""How a turn ends without an answer."""

_SAYS_WHICH_TEXT_IS_LAST: Final = ("claude-code", "cursor")
_LIMIT: Final = "You've hit your usage limit. Try again at 17:00."
_SUMMARY: Final = "Summary of the conversation so far: the code was read and partly changed."


class Session:
    """One session of one agent."""

    def __init__(self, id: str, agent: str, at_ms: int) -> None:
        self.id = id
        self.agent = agent
        self.at_ms = at_ms
        self.started_ms = at_ms
        self.events: list[Event] = []

    def event(self, body: model.AnyBody) -> None:
        self.at_ms += MINUTE_MS
        key = f"{self.id}:{len(self.events)}"
        self.events.append(Event(key=key, session=self.id, at_ms=self.at_ms, body=body, cwd=ROOT))

    def prompt(self, text: str) -> None:
        self.event(model.UserPrompt(text=text))

    def remarks(self, text: str, *, final: bool = False) -> None:
        """Text before a call."""
        self.event(AssistantMessage(text=text, final=final if self.agent in _SAYS_WHICH_TEXT_IS_LAST else None))

    def answers(self, sentences: Sequence[str]) -> None:
        """The text that ends a turn."""
        self.remarks(" ".join(sentences), final=True)

    def calls(self, op: Op, subject: str) -> str:
        call_id = f"call-{len(self.events)}"
        self.event(model.ToolCall(call_id=call_id, name=op.capitalize(), op=op, subject=subject))
        return call_id

    def uses(self, op: Op, subject: str, output: str = "") -> None:
        """A call and its result."""
        call_id, name = self.calls(op, subject), op.capitalize()
        self.event(model.ToolResult(call_id=call_id, name=name, op=op, status="ok", subject=subject, output=output))

    def edits(self, path: str) -> None:
        self.uses("edit", f"{ROOT}/{path}")
        self.event(model.FileEdit(path=f"{ROOT}/{path}", change="modify"))

    def is_cut(self, cut: Cut) -> None:
        """The turn ends without an answer. A killed agent records nothing about it."""
        if cut == "compaction":
            self.event(model.AgentSummary(text=_SUMMARY, source="compaction"))
        elif cut != "kill":
            self.event(TurnEnd(reason=cut, message=_LIMIT if cut == "limit" else ""))
