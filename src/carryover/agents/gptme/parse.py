"""Turns messages into events: prompts, answers with the calls in their text, and results. FACTS.md has the shapes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Source
from carryover.adapter.event_builder import EventBuilder, opened, usable_folder
from carryover.agents.gptme.adapter import Context
from carryover.agents.gptme.tools import INTERRUPTED, calls_in, changes_of, is_worded, outcome_of, todos_after
from carryover.model import AgentSummary, AnyBody, AssistantMessage, PlanUpdate, Retracted, TurnEnd, UserPrompt
from carryover.records import rawjson
from carryover.records.changes import as_edit
from carryover.records.fields import digest, local_ms
from carryover.records.lenient import Fields, fields_of, is_true, text_of
from carryover.records.resets import failed_turn, names_limit

_MESSAGE: Final = msgspec.json.Decoder(Fields)
_INCLUDED: Final = re.compile(r"\n\n`{3,}(?P<path>\S+)\n")
_CLIENTS: Final = "<system>"
"""The beginning of prompts that gptme sends itself, when it runs without a terminal and no tool was called."""
_MOST_SAID: Final = 300
_STOPPED: Final = "... ^C Interrupted"
_FAILED: Final = re.compile(r"LLM request failed: |error: \w+\n")


def parse_record(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record of a conversation. Never raises: what is not understood is counted in `skipped`."""
    version = context.facts.agent_version
    message = rawjson.read(_MESSAGE, record.data)
    if isinstance(message, str):
        return context, Parsed(skipped=(rawjson.skipped(None, message, version),))
    at_ms = local_ms(text_of(message.get("timestamp"))) or context.last_ms
    builder = Builder(context=context, session=source.session or "?", message=message, at_ms=at_ms, version=version)
    builder.handle()
    return builder.context, builder.built()


@dataclass(slots=True, kw_only=True)
class Builder(EventBuilder[Context]):
    """Builds the events of one message."""

    session: str
    message: Fields

    def handle(self) -> None:
        """Handles the record by its role, or as one of the reader's own."""
        role = text_of(self.message.get("role"))
        text = rawjson.string_of(self.message.get("content", rawjson.ABSENT))
        handlers = {"user": self._prompt, "assistant": self._answer, "system": self._notice}
        if "$begin" in self.message:
            self._begin(fields_of(self.message["$begin"]))
        elif "$end" in self.message:
            self._end()
        elif text is None or role not in handlers:
            self.skip(role or "message", "unknown message")
        else:
            handlers[role](text)
            self.change(last_ms=self.at_ms)
        if self.events:
            self.put_news_first(self.session, self.context.cwd)

    def add(self, body: AnyBody, part: str) -> None:
        """Adds an event. A fork repeats messages with their times, which are exact to the microsecond."""
        if not self.at_ms:
            return
        content = digest(bytes(self.message.get("content", rawjson.ABSENT)))
        key = f"{text_of(self.message.get('timestamp'))}/{content}/{part}"
        self.append(key, body, session=self.session, cwd=self.context.cwd)
        if isinstance(body, AssistantMessage | TurnEnd | UserPrompt):
            said = dict.fromkeys((*self.context.said, self.last_key))
            gone = tuple(key for key in self.context.gone if key != self.last_key)
            self.change(said=tuple(said)[-_MOST_SAID:], gone=gone)

    def _begin(self, given: Fields) -> None:
        """Handles the beginning of the messages: all of them come again if the conversation was rewritten."""
        if not is_true(given.get("on")):
            said = self.context.said
            self.context = Context(cwd=usable_folder(text_of(given.get("folder"))), said=said, gone=said)
        self.learn(**{name: text_of(given.get(name)) for name in ("agent_version", "branch")})

    def _end(self) -> None:
        """Takes back what was undone. Files stay changed then."""
        gone = self.context.gone
        if gone and self.at_ms:
            keys = tuple(key.decode("utf-8", "replace") for key in gone)
            key = f"undone/{digest(' '.join(keys))}"
            self.append(key, Retracted(keys=keys), session=self.session, cwd=self.context.cwd)
            self.change(said=tuple(key for key in self.context.said if key not in gone), gone=())

    def _prompt(self, text: str) -> None:
        self.change(calls=())
        by_client = text.startswith(_CLIENTS) or self.session.startswith("subagent-")
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
            self.add(AssistantMessage(text=said, final=None if stopped else not calls, aborted=stopped), "text")
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
        # The model is asked again only when all results are in, so until then such a text may be a page's.
        is_tools = bool(self.context.calls) and not is_worded(self.context.calls[0])
        if text_of(metadata.get("compaction_artifact")) == "intro":
            self.change(summary_next=True)
        elif (failed := _FAILED.match(text)) and ("error_class" in metadata or not is_tools):
            limited = text_of(metadata.get("error_class")) == "rate_limit" or names_limit(text)
            self.add(failed_turn(text[failed.end() :], self.at_ms, limited=limited), "end")
        elif self.context.calls and not is_true(self.message.get("ui_only")) and not text.startswith("<system_info>"):
            self._result(text)
        if text == INTERRUPTED and not is_tools:
            self.add(TurnEnd(reason="interrupted"), "end")

    def _result(self, text: str) -> None:
        """Ends the oldest open call: results come in the order of the calls."""
        call, *others = self.context.calls
        self.change(calls=tuple(others))
        outcome = outcome_of(call, text)
        self.add(call.ended(outcome), "result")
        for number, change in enumerate(changes_of(call, text) if outcome.status == "ok" else ()):
            self.add(as_edit(change, call.id), f"edit{number}")
        if call.op == "plan" and (todos := todos_after(self.context.todos, text)) != self.context.todos:
            self.change(todos=todos)
            self.add(PlanUpdate(items=tuple(todos.values())), "plan")


def _typed(text: str) -> str:
    """Returns a prompt without the contents of the files that it names, which gptme adds at its end."""
    added = (found.start() for found in _INCLUDED.finditer(text) if found["path"] in text[: found.start()])
    return text[: next(added, len(text))].strip()
