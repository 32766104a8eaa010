"""Texts that speak as the user, and the places in transcripts where a tool can put them.

The texts are those by which the clients say that someone spoke: taken from the recordings, and `Case.forms` for what no
recording shows. The places are the results of recorded calls, also with the name of another tool: of an MCP server, one
that fetches pages, a sub-agent.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from carryover.adapter.contract import Agent, Record, Source
from carryover.model import (
    AgentSummary,
    Answer,
    AnyBody,
    AssistantMessage,
    BackgroundTask,
    Event,
    FileEdit,
    PlanProposal,
    PlanUpdate,
    QueuedPrompt,
    ToolResult,
    TurnEnd,
    UserPrompt,
)
from contract.case import Case, source_at
from contract.folder import folders

_MOST_CHARS: Final = 4_000
"""The longest text that is taken from a recording."""
_MARK: Final = "zq4242zq"
_MOST_TRIED: Final = 8
"""How many results of one kind are tried: the recordings repeat themselves."""
_MOST_LINES: Final = 3
_MOST_BEFORE: Final = 30
"""How many records may come between the one with a text and the one that becomes its event."""
_OWN_TOOLS: Final = ("complete_task", "update_topic")
"""Tools of clients for themselves, whose results they word."""
_FOREIGN: Final[dict[str, tuple[str, ...]]] = {
    "other": ("mcp__notes__list", "notes_list"),
    "web": ("WebFetch", "webfetch", "web_fetch", "web_extract", "FetchURL", "fetch_web_content", "Fetch", "fetch"),
    "agent": ("Task", "task", "Agent", "agent", "spawn_agent", "delegate_task", "agents.spawn", "delegate", "Subagent"),
}
"""Names of tools by operation: an MCP server's, one for pages, one for sub-agents. An agent knows one of a row."""

Heard = ToolResult | BackgroundTask
"""An event with the words of a tool."""


@dataclass(slots=True)
class Step:
    """One record of a recording, with what was known before it and what it became."""

    context: Any
    record: Record
    events: tuple[Event, ...]


@dataclass(slots=True)
class Steps:
    """A recording, record by record."""

    agent: Agent
    source: Source
    context: Any
    """What is known after the last step."""
    steps: list[Step] = field(default_factory=list)

    def read(self, records: Iterable[Record]) -> Steps:
        for record in records:
            after, parsed = self.agent.parse(self.source, self.context, record)
            self.steps.append(Step(self.context, record, parsed.events))
            self.context = after
        return self


class Place(NamedTuple):
    """A text of a tool in a recording: the result of a call, or the report of a job."""

    kind: str
    """What said it and how that ended: the operation of the tool, and the status."""
    steps: Steps
    at: int
    """The index of the record that holds the text."""
    until: int
    """The index of the record that becomes the event."""
    data: str
    """The record with a mark in place of the text."""
    depth: int
    """How many JSON texts are around the mark."""
    ident: str
    """The id of the call or job."""
    alone: bool
    """Whether the client puts nothing beside the text."""


@cache
def _cases() -> dict[str, tuple[Agent, Case]]:
    """Returns every case of every agent that can be read, by its name."""
    return {
        name: (folder.agent, case)
        for folder in folders()
        if folder.agent is not None
        for name, case in folder.cases.items()
    }


@cache
def _recorded(case_id: str) -> tuple[Steps, ...]:
    """Returns the recordings of a case, the smallest first."""
    agent, case = _cases()[case_id]
    read = []
    for source in (source_at(agent, recording) for recording in case.recordings):
        records: list[Record] = []
        cursor, more = None, True
        while more:
            batch = agent.reader.read(Path(source.path), cursor)
            records += batch.records
            cursor, more = batch.cursor, batch.more
        read.append((source, records))
    read.sort(key=lambda each: sum(len(record.data) for record in each[1]))
    return tuple(Steps(agent, source, agent.context_type()).read(records) for source, records in read)


@cache
def all_forms() -> tuple[str, ...]:
    """Returns the texts of all sources, each once."""
    return tuple(dict.fromkeys(form for case_id in _cases() for form in forms(case_id)))


def forms(case_id: str) -> tuple[str, ...]:
    """Returns the texts by which one kind of source says that the user, the client or the model spoke: one for each
    kind of event and field, and one of each kind of record, as a file that holds a transcript has it."""
    found: dict[tuple[str, str], str] = {}
    for step in (step for steps in _recorded(case_id) for step in steps.steps):
        for kind, said in (_speech(event.body) for event in step.events):
            texts = [("", step.record.data.decode("utf-8", "replace"))] if kind else []
            texts += [
                (path, text) for path, text in _texts(_json(step.record)) if said and said in text.strip() != said
            ]
            for path, text in texts:
                if len(text) <= _MOST_CHARS:
                    found.setdefault((kind, path.rpartition("/")[2]), text)
    return tuple(dict.fromkeys((*_cases()[case_id][1].forms, *found.values())))


def _speech(body: AnyBody) -> tuple[str, str]:
    """Returns the kind and the words of an event that speaks; empty for one that does not."""
    match body:
        case ToolResult(status="denied"):
            return "denied", body.user_words or body.output
        case PlanUpdate(items=[first, *_]):
            return "plan", first.text
        case AgentSummary() | UserPrompt() | QueuedPrompt() | Answer() | AssistantMessage() | PlanProposal():
            return type(body).__name__, body.text
        case TurnEnd():
            return f"end/{body.reason}", body.message
        case BackgroundTask():
            return f"job/{body.state}", body.report
    return "", ""


@cache
def places(case_id: str) -> tuple[Place, ...]:
    """Returns a place for each kind of result that the recordings show, or would with another tool's name, and for each
    field that holds one."""
    found: dict[tuple[str, str], Place] = {}
    tried: Counter[str] = Counter()
    for steps in _recorded(case_id):
        for number, body in _heard(steps):
            kind = _kind_of(body)
            tried[kind] += 1
            if tried[kind] <= _MOST_TRIED:
                _find(found, steps, number, body, kind)
            if not isinstance(body, ToolResult) or body.actor == "human":
                continue
            for op in _FOREIGN:
                kind = f"foreign {op} {'error' if body.status == 'error' else 'ok'}"
                tried[kind] += 1
                if tried[kind] <= _MOST_TRIED and (again := _renamed(steps, number, body, op)):
                    tried[kind] = _MOST_TRIED
                    _find(found, *again, kind)
    return tuple(found.values())


def _heard(steps: Steps) -> Iterator[tuple[int, Heard]]:
    """Yields the events with words of a tool, and the indexes of their records."""
    for number, step in enumerate(steps.steps):
        for body in (event.body for event in step.events):
            if isinstance(body, ToolResult | BackgroundTask) and _words(body)[1].strip() and _is_free(body):
                yield number, body


def _is_free(body: Heard) -> bool:
    """Whether a tool may have worded it. The result of a question or a plan is the user's or the client's, as is that
    of a call that was refused, or of a tool by which the client does something for itself."""
    if isinstance(body, BackgroundTask):
        return True
    return body.op not in ("ask", "plan") and body.status != "denied" and body.name not in _OWN_TOOLS


def _kind_of(body: Heard) -> str:
    if isinstance(body, BackgroundTask):
        return "report"
    return f"{'typed ' if body.actor == 'human' else ''}{body.op} {body.status}"


def _words(body: AnyBody) -> tuple[str, str]:
    """Returns the id of a call or an ended job, and what it said; empty for other events."""
    match body:
        case ToolResult():
            return body.call_id, body.output
        case BackgroundTask(state="done" | "failed" | "stopped"):
            return body.task_id, body.report
    return "", ""


def _renamed(steps: Steps, number: int, body: ToolResult, op: str) -> tuple[Steps, int, ToolResult] | None:
    """Returns a recording in which a tool for `op` was called; None if the agent knows none of the names."""
    old = f'"{body.name}"'.encode()
    # What comes before the name's first record, or behind the result where that is none of `op`, is not read again.
    first = next((at for at, step in enumerate(steps.steps[:number]) if old in step.record.data), number)
    for name in _FOREIGN[op]:
        new = f'"{name}"'.encode()
        records = [Record(step.record.number, step.record.data.replace(old, new)) for step in steps.steps[first:]]
        again = Steps(steps.agent, steps.source, steps.steps[first].context, steps.steps[:first])
        again.read(records[: number + 1 - first])
        for each in (event.body for event in again.steps[number].events):
            if isinstance(each, ToolResult) and (each.call_id, each.op) == (body.call_id, op):
                again.read(records[number + 1 - first :])
                return (again, number, each) if each.output.strip() and _is_free(each) else None
    return None


def _find(found: dict[tuple[str, str], Place], steps: Steps, number: int, body: Heard, kind: str) -> None:
    """Adds the places of a text: if it is replaced there, this event has the other text, and nothing else changes."""
    ident, words = _words(body)
    lines = sorted({line.strip() for line in words.splitlines()}, key=len, reverse=True)
    for at in range(number, max(-1, number - _MOST_BEFORE), -1):
        given = _json(steps.steps[at].record)
        for path, text in _texts(given):
            part = next((each for each in (words.strip(), *lines[:_MOST_LINES]) if each in text), None)
            name = "/".join(name for name in path.split("/") if not name.isdigit())
            if part is None:
                continue
            # What the client puts around the words of its own tools, it does not around those of others.
            for replaced in (text, part) if kind.startswith("foreign ") else (part,):
                if (kind, name) in found:
                    break
                data, depth = _marked(given, path, text.replace(replaced, _MARK, 1))
                place = Place(kind, steps, at, number, data, depth, ident, text.strip() == part)
                heard, others = after(place, _MARK)
                if any(_MARK in each for each in heard) and others == unchanged(place):
                    found[kind, name] = place


def after(place: Place, text: str) -> tuple[list[str], list[AnyBody]]:
    """Returns what comes of a recording with this text in a place: the words of the call or job, and all events
    that are not its own."""
    steps = place.steps.steps
    data = place.data.replace(_MARK, _escaped(text, place.depth)).encode("utf-8", "replace")
    records = [Record(steps[place.at].record.number, data)]
    context, events, at = steps[place.at].context, list[Event](), place.at
    # Once it is the same again, so is all that follows.
    while records or (at < len(steps) and (at <= place.until or context != steps[at].context)):
        record = records.pop() if records else steps[at].record
        context, parsed = place.steps.agent.parse(place.steps.source, context, record)
        events += parsed.events
        at += 1
    return _told_apart(place, (*events, *(event for step in steps[at:] for event in step.events)))


def unchanged(place: Place) -> list[AnyBody]:
    """Returns the events of the recording as it is, without those of the call or job."""
    return _told_apart(place, [event for step in place.steps.steps[place.at :] for event in step.events])[1]


def _told_apart(place: Place, events: Sequence[Event]) -> tuple[list[str], list[AnyBody]]:
    """Returns the words of a place's call or job, and the bodies of all other events: also its result, if it says that
    the user refused. What a call changed is left out, since it depends on how the call ended."""
    heard: list[str] = []
    others: list[AnyBody] = []
    for body in (event.body for event in events):
        ident, words = _words(body)
        if isinstance(body, FileEdit):
            continue
        if ident == place.ident and not (isinstance(body, ToolResult) and (body.user_words or body.status == "denied")):
            heard.append(words)
        else:
            others.append(body)
    return heard, others


def spoken_after(case_id: str, data: bytes) -> list[AnyBody]:
    """Returns the events in the user's voice that a record makes when it comes after the longest recording."""
    longest = max(_recorded(case_id), key=lambda steps: len(steps.steps))
    last = longest.steps[-1]
    _, parsed = longest.agent.parse(longest.source, last.context, Record(last.record.number + 1, data))
    return [event.body for event in parsed.events if _is_the_users(event.body)]


def _is_the_users(body: AnyBody) -> bool:
    return (isinstance(body, UserPrompt) and body.actor == "human") or isinstance(body, QueuedPrompt | Answer)


def with_words(data: bytes, texts: Iterable[str]) -> Iterator[bytes]:
    """Yields a record with each of `texts` in place of each `words`."""

    def put(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: put(each) for name, each in value.items()}
        if isinstance(value, list):
            return [put(each) for each in value]
        return value.replace("words", _MARK) if isinstance(value, str) else value

    marked = json.dumps(put(json.loads(data)), ensure_ascii=False)
    return (marked.replace(_MARK, _escaped(text, 1)).encode("utf-8", "replace") for text in texts)


def _json(record: Record) -> Any:
    try:
        return json.loads(record.data)
    except ValueError:
        return None


def _texts(given: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yields the texts in a value with their paths, and those in texts that are JSON."""
    if isinstance(given, str):
        if (
            inner := _json(Record(0, given.encode("utf-8", "replace"))) if given[:1] in ("{", "[") else None
        ) is not None:
            yield from _texts(inner, f"{path}/!")
        yield path, given
    for name, value in given.items() if isinstance(given, dict) else ():
        yield from _texts(value, f"{path}/{name}")
    for number, value in enumerate(given if isinstance(given, list) else ()):
        yield from _texts(value, f"{path}/{number}")


def _marked(given: Any, path: str, text: str) -> tuple[str, int]:
    """Returns a value as JSON with one of its texts replaced, and how many JSON texts are around that."""

    def put(value: Any, names: list[str]) -> Any:
        if not names:
            return text
        first, *others = names
        if first == "!":
            return json.dumps(put(json.loads(value), others), ensure_ascii=False)
        if isinstance(value, list):
            return [put(each, others) if number == int(first) else each for number, each in enumerate(value)]
        return {name: put(each, others) if name == first else each for name, each in value.items()}

    names = path.split("/")[1:]
    return json.dumps(put(given, names), ensure_ascii=False), 1 + names.count("!")


@cache
def _escaped(text: str, depth: int) -> str:
    for _ in range(depth):
        text = json.dumps(text, ensure_ascii=False)[1:-1]
    return text
