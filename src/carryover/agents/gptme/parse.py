"""Turns messages into events: prompts, answers with the calls in their text, and results. FACTS.md has the shapes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Source
from carryover.adapter.event_builder import EventBuilder, opened, usable_folder
from carryover.agents.gptme.adapter import Context
from carryover.agents.gptme.reader import Begin
from carryover.agents.gptme.tools import INTERRUPTED, calls_in, changes_of, outcome_of, todos_after
from carryover.model import AgentSummary, AnyBody, AssistantMessage, PlanUpdate, Retracted, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.changes import as_edit
from carryover.records.fields import digest
from carryover.records.lenient import Fields, fields_of, is_true, text_of
from carryover.records.resets import failed_turn, names_limit

_MESSAGE: Final = msgspec.json.Decoder(Fields)
_SUBAGENT: Final = "subagent-"
_INCLUDED: Final = re.compile(r"\n\n`{3,}(?P<path>\S+)\n")
_CLIENTS: Final = "<system>"
"""The beginning of prompts that gptme sends itself, when it runs without a terminal and no tool was called."""
_SAID: Final = (AssistantMessage, TurnEnd, UserPrompt)
_MOST_SAID: Final = 300
_STOPPED: Final = "... ^C Interrupted"
_FAILED: Final = ("LLM request failed:", "error: ")


def parse_record(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record of a conversation. Never raises: what is not understood is counted in `skipped`."""
    message = rawjson.read(_MESSAGE, record.data)
    if isinstance(message, str):
        return context, Parsed(skipped=(rawjson.skipped(None, message, context.facts.agent_version),))
    builder = Builder(
        context=context,
        session=source.session or "?",
        message=message,
        at_ms=_utc_ms(text_of(message.get("timestamp"))) or context.last_ms,
        version=context.facts.agent_version,
    )
    return builder.parsed()


def _utc_ms(timestamp: str) -> int:
    """Returns a time in UTC milliseconds, 0 if it can't be read. Without a zone it is this machine's local time."""
    try:
        return max(0, round(datetime.fromisoformat(timestamp).timestamp() * 1000))
    except (ValueError, OverflowError, OSError):
        return 0


@dataclass(slots=True, kw_only=True)
class Builder(EventBuilder[Context]):
    """Builds the events of one message."""

    session: str
    message: Fields

    def parsed(self) -> tuple[Context, Parsed]:
        """Returns the next context and what became of the message."""
        if "$begin" in self.message:
            self._begin(rawjson.part_of(self.message["$begin"], Begin) or Begin())
            return self.context, self.built()
        if "$end" in self.message:
            self._end()
            return self.context, self.built()
        role = text_of(self.message.get("role"))
        text = rawjson.string_of(self.message.get("content", rawjson.ABSENT))
        handle = {"user": self._prompt, "assistant": self._answer, "system": self._notice}.get(role)
        if text is None or handle is None:
            self.skip(role or "message", "unknown message")
            return self.context, self.built()
        handle(text)
        self.change(last_ms=self.at_ms)
        if self.events:
            self.put_news_first(self.session, self.context.cwd)
        return self.context, self.built()

    def add(self, body: AnyBody, part: str) -> None:
        """Adds an event. A fork repeats messages with their times, which are exact to the microsecond."""
        if self.at_ms:
            said = digest(bytes(self.message.get("content", rawjson.ABSENT)))
            key = f"{text_of(self.message.get('timestamp'))}/{said}/{part}"
            self.append(key, body, session=self.session, cwd=self.context.cwd)
            if isinstance(body, _SAID):
                said = (*_without(self.context.said, self.last_key), self.last_key)[-_MOST_SAID:]
                self.change(said=said, gone=_without(self.context.gone, self.last_key))

    def _begin(self, begin: Begin) -> None:
        """Handles the beginning of the messages: all of them come again if the conversation was rewritten."""
        if not begin.on:
            said = self.context.said
            self.context = Context(cwd=usable_folder(begin.folder), said=said, gone=said)
        self.learn(agent_version=begin.version, branch=begin.branch, title=begin.title)

    def _end(self) -> None:
        """Takes back what was undone. What a fork repeats is its parent's; and what was changed stays changed."""
        gone = tuple(key.decode("utf-8", "replace") for key in self.context.gone)
        if gone:
            key = f"undone/{digest(' '.join(gone))}"
            self.append(key, Retracted(keys=gone), session=self.session, cwd=self.context.cwd)
            self.change(said=_without(self.context.said, *self.context.gone), gone=())

    def _prompt(self, text: str) -> None:
        self.change(calls=())
        by_client = text.startswith(_CLIENTS) or self.session.startswith(_SUBAGENT)
        if typed := _typed(text):
            self.add(UserPrompt(text=typed, actor="model" if by_client else "human"), "prompt")

    def _answer(self, text: str) -> None:
        if self.context.summary_next:
            # What it replaces was not undone.
            self.change(summary_next=False, gone=())
            self.add(AgentSummary(text=text, source="compaction", trigger="manual"), "summary")
            return
        self.learn(model=text_of(fields_of(self.message.get("metadata")).get("model")))
        stopped = text.rstrip().endswith(_STOPPED)
        said, calls = calls_in(text.rstrip().removesuffix(_STOPPED), self.context.cwd)
        if said:
            final = None if stopped else not calls
            self.add(AssistantMessage(text=said, final=final, aborted=stopped), "text")
        self.change(calls=())
        for number, call in enumerate(calls):
            named = msgspec.structs.replace(call, id=call.id or f"{self.at_ms}/{number}")
            self.change(calls=opened(self.context.calls, named))
            self.add(named.as_event(), f"call{number}")
        if stopped:
            self.add(TurnEnd(reason="interrupted"), "end")

    def _notice(self, text: str) -> None:
        """Handles a message of gptme itself: the result of a call, an error, or a notice to the user."""
        metadata = fields_of(self.message.get("metadata"))
        if text_of(metadata.get("compaction_artifact")) == "intro":
            self.change(summary_next=True)
        elif text.startswith(_FAILED[0]) or is_true(metadata.get("error")):
            limited = text_of(metadata.get("error_class")) == "rate_limit" or names_limit(text)
            said = text.partition("\n")[2] if text.startswith(_FAILED[1]) else text
            self.add(failed_turn(said, self.at_ms, limited=limited), "end")
        elif self.context.calls and not is_true(self.message.get("ui_only")):
            self._result(text)
        if text == INTERRUPTED:
            self.add(TurnEnd(reason="interrupted"), "end")

    def _result(self, text: str) -> None:
        """Ends the oldest open call: results come in the order of the calls."""
        call, *others = self.context.calls
        self.change(calls=tuple(others))
        outcome = outcome_of(call, text)
        self.add(call.ended(outcome), "result")
        if outcome.status != "ok":
            return
        for number, change in enumerate(changes_of(call, text)):
            self.add(as_edit(change, call.id), f"edit{number}")
        if call.op == "plan":
            self.change(todos=todos_after(self.context.todos, text))
            self.add(PlanUpdate(items=tuple(self.context.todos.values())), "plan")


def _without(keys: tuple[bytes, ...], *others: bytes) -> tuple[bytes, ...]:
    return tuple(key for key in keys if key not in others)


def _typed(text: str) -> str:
    """Returns a prompt without the contents of the files that it names, which gptme adds at its end."""
    added = (found.start() for found in _INCLUDED.finditer(text) if found["path"] in text[: found.start()])
    return text[: next(added, len(text))].strip()
