"""Reads trajectories in the Agent Trajectory Interchange Format (ATIF), versions 1.x, of any tool.

Carryover's own (`export/atif.py`) keep in `extra.carryover` what the format has no field for. In all others, operations
and outcomes are inferred from the names of tools, their arguments and what they printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.adapter import event_builder
from carryover.adapter.contract import Parsed, QuotedText, Record, Source, ToolOutcome
from carryover.adapter.event_builder import EventBuilder, OpenCall, usable_name
from carryover.adapter.spec import AgentSpec
from carryover.agents import adapters, specs
from carryover.export.atif import ARGUMENTS, OURS, UNKNOWN
from carryover.importing.specstory import names_of, words_of
from carryover.importing.specstory_tools import OPERATIONS, outcome_in_text
from carryover.importing.tool_calls import file_changes, operation_and_subject
from carryover.importing.turns import MAX_BYTES, RANK, Document, TurnReader, document_agent
from carryover.model import NOTE, AgentSummary, AnyBody, AssistantMessage, FileEdit, Op, ToolResult, UserPrompt
from carryover.readers.files import read_small
from carryover.records.changes import as_edit
from carryover.records.fields import SHORT_CHARS, SUBJECT_CHARS, bounded, digest
from carryover.records.lenient import Fields, fields_of, is_true, items_of, read_as, text_of, time_of
from carryover.records.text import names_handoff_file, names_own_folder

NAME: Final = "ATIF"

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)
_VERSION: Final = re.compile(rb'\s*:\s*"ATIF-v1\.\d')
_ID: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_MOST_NESTED: Final = 20


class Context(event_builder.SessionContext, frozen=True, omit_defaults=True):
    """The parser's state between two steps. `ours`: Carryover wrote the document."""

    session: str = ""
    subagent_id: str | None = None
    id: str = ""
    """Tells documents of one session apart, whose steps have the same numbers: continuations."""
    ours: bool = False


def is_trajectory(head: bytes) -> bool:
    """Whether a file that begins with `head` is a JSON object with the version of the format at its top level."""
    depth = 0
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return False
    for token in _TOKEN.finditer(head):
        depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(token[0], 0)
        if depth == 0:
            return False
        if depth == 1 and token[0] == b'"schema_version"':
            return _VERSION.match(head, token.end()) is not None
    return False


def opened(path: Path, agent_id: str | None) -> Document:
    """Returns a trajectory as a document."""
    spec = _spec_of(path, agent_id)
    known = adapters().get(spec.id)

    def records(data: bytes) -> list[Record]:
        return [Record(number=number, data=found) for number, found in enumerate(_of_trajectory(_root(data), None), 1)]

    agent = document_agent(spec, TurnReader(records), Context, Parser(known.quoted if known else None).parse)
    return Document(agent, Source(agent=spec.id, path=str(path), rank=RANK), NAME)


def _spec_of(path: Path, agent_id: str | None) -> AgentSpec:
    """Returns the agent whose session it is; one of the tool's own name if Carryover does not know that."""
    known = specs()
    if agent_id is not None:
        return next(spec for spec in known if spec.id == agent_id)
    name = text_of(fields_of(_root(read_small(path, limit=MAX_BYTES) or b"").get("agent")).get("name"))
    words = words_of(name)
    for spec in known:
        if any(words == words_of(called) for called in names_of(spec)):
            return spec
    own = "-".join(re.findall(r"[a-z0-9]+", name.lower()))
    usable = _ID.fullmatch(own) and len(own) <= 40 and own != NOTE
    return AgentSpec(id=own if usable else "atif", name=name[:SHORT_CHARS] or NAME, binaries=(), folders=())


def _root(data: bytes) -> Fields:
    return fields_of(data.removeprefix(b"\xef\xbb\xbf").strip())


def _of_trajectory(fields: Fields, subagent_id: str | None, depth: int = 0) -> Iterator[bytes]:
    """Yields the head of each trajectory without its steps, followed by its steps."""
    steps = items_of(fields.pop("steps", None))
    inner = items_of(fields.pop("subagent_trajectories", None))
    fields.pop("final_metrics", None)
    mark = ""  # of the first step that is not copied, which stays the same as a document grows
    for step in map(fields_of, steps):
        if text_of(step.get("source")) != "system" and not is_true(step.get("is_copied_context")):
            said = bytes(step.get("message", b"")).decode("utf-8", "replace")
            mark = digest(text_of(step.get("timestamp")) + said)
            break
    yield msgspec.json.encode({"head": fields, "subagent_id": subagent_id, "mark": mark})
    yield from map(bytes, steps)
    for number, raw in enumerate(inner if depth < _MOST_NESTED else (), 1):
        other = fields_of(raw)
        name = usable_name(text_of(other.get("trajectory_id"))) or str(number)
        yield from _of_trajectory(other, f"{subagent_id}/{name}" if subagent_id else name, depth + 1)


class _Step(EventBuilder[Context]):
    name: str = ""

    def add(self, part: str, body: AnyBody, at_ms: int | None = None) -> None:
        here = self.context
        key = f"atif/{here.session}/{here.id}/{here.subagent_id or ''}/{self.name}/{part}"
        usual = self.at_ms
        self.at_ms = at_ms or self.at_ms
        self.append(key, body, session=here.session, cwd=here.cwd, subagent_id=here.subagent_id)
        self.at_ms = usual


class Parser:
    """Parses the trajectories of one agent; `quoted` reads its prompts and outputs."""

    def __init__(self, quoted: QuotedText | None) -> None:
        self._quoted = quoted

    def parse(self, _source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
        """Implements `Agent.parse`."""
        fields = fields_of(record.data)
        if "head" in fields:
            return _begun(context, fields), Parsed()
        step = _Step(context=context, at_ms=time_of(fields.get("timestamp")) or context.last_ms)
        step.change(last_ms=step.at_ms)
        step.name = text_of(fields.get("step_id")) or bytes(fields.get("step_id", b"")).decode("utf-8", "replace")[:20]
        if "source" not in fields:
            step.skip("step", "not a step")
        elif not is_true(fields.get("is_copied_context")):
            if context.subagent_id is None and (model := usable_name(text_of(fields.get("model_name")))):
                step.learn(model=model)
            self._say(step, fields)
            self._calls(step, fields)
            facts = step.context.facts
            emitted = step.context.emitted
            if step.events and context.subagent_id is None and facts != emitted:
                step.put_info_first(context.session, context.cwd, event_builder.differing(facts, emitted))
                step.change(emitted=facts)
        return step.context, step.built()

    def _say(self, step: _Step, fields: Fields) -> None:
        text, images = _text(fields.get("message"))
        extra = fields_of(fields.get("extra"))
        own = read_as(extra.get(OURS), dict[str, Any]) if step.context.ours else None
        if own is not None:
            self._say_again(step, own, text)
            return
        match text_of(fields.get("source")):
            case "user" if text.strip() or images:
                bodies: tuple[AnyBody, ...] = (UserPrompt(text=text, attachments=images),)
                if step.context.subagent_id is not None and not step.context.ours:
                    bodies = (UserPrompt(text=text, actor="model", attachments=images),)
                elif self._quoted is not None and not step.context.ours:
                    bodies = self._quoted.prompt(text, "")
                for number, body in enumerate(bodies):
                    step.add(f"prompt{number}", body)
            case "agent" if text.strip():
                step.add("said", AssistantMessage(text=text))
            case "system" if text_of(fields_of(extra.get("context_management")).get("type")) == "compaction":
                results = items_of(fields_of(fields.get("observation")).get("results"))
                summary = "\n\n".join(filter(None, (_text(fields_of(raw).get("content"))[0] for raw in results)))
                if summary or text.strip():
                    step.add("said", AgentSummary(text=summary or text, source="compaction"))

    def _say_again(self, step: _Step, own: dict[str, Any], text: str) -> None:
        """Adds the event of a step that Carryover wrote, unless it is not one that a step may hold."""
        kind = own.get("kind")
        command = own.get("command")
        if kind == "user_prompt" and isinstance(command, str):
            text = text.removeprefix(command).removeprefix(" ")
        if kind in ("user_prompt", "assistant_message"):
            own = {**own, "text": text}
        with suppress(msgspec.ValidationError):
            if kind not in ("retracted", "session_info", "tool_call", "tool_result"):
                step.add("said", msgspec.convert(own, AnyBody))
                return
        step.skip("step", "not an event")

    def _calls(self, step: _Step, fields: Fields) -> None:
        calls = {}
        for number, raw in enumerate(items_of(fields.get("tool_calls"))):
            call = _Call(fields_of(raw), f"{step.context.session}/{step.name}/{number}", step.context)
            calls[call.open.id] = call
            step.add(f"call{number}", call.open.as_event(), call.at_ms)
        for number, raw in enumerate(items_of(fields_of(fields.get("observation")).get("results"))):
            result = fields_of(raw)
            named = text_of(result.get("source_call_id"))
            found = calls.get(named) if named else _only(calls)
            if found is not None:
                ended = self._ended(found, result)
                step.add(f"result{number}", ended, _at(found.own_of(result)))
                found.succeeded = found.succeeded or ended.status in ("ok", "unknown")
        for call in calls.values():
            for number, (edit, at_ms) in enumerate(call.edits()):
                if not names_handoff_file(edit.path):
                    step.add(f"edit/{call.open.id}/{number}", edit, at_ms)

    def _ended(self, call: _Call, result: Fields) -> ToolResult:
        output, _ = _text(result.get("content"))
        if own := call.own_of(result):
            outcome = read_as(msgspec.json.encode({**own, "output": output}), ToolOutcome) or ToolOutcome("unknown")
            dropped = own.get("dropped")
            return msgspec.structs.replace(call.open.ended(outcome), dropped=dropped if isinstance(dropped, int) else 0)
        outcome = (self._quoted.outcome if self._quoted is not None else outcome_in_text)(call.open.op, output)
        extra = fields_of(result.get("extra"))
        failed = is_true(extra.get("is_error")) or is_true(extra.get("tool_result_is_error"))
        if failed and outcome.status in ("ok", "unknown"):
            outcome = msgspec.structs.replace(outcome, status="error")
        return call.open.ended(outcome)


class _Call:
    def __init__(self, fields: Fields, fallback: str, context: Context) -> None:
        self._context = context
        self._own = self.own_of(fields)
        self._given = fields_of(fields.get("arguments"))
        name = usable_name(text_of(fields.get("function_name"))) or "?"
        op, subject = self._meaning(name)
        self.at_ms = _at(self._own)
        self.succeeded = False
        self.open = OpenCall(
            usable_name(text_of(fields.get("tool_call_id"))) or fallback,
            name,
            op,
            bounded(subject, SUBJECT_CHARS),
            "human" if self._own.get("actor") == "human" else "model",
            handoff=names_own_folder(subject),
        )

    def own_of(self, fields: Fields) -> dict[str, Any]:
        """What Carryover's own export says about a call or result; empty in any other document."""
        extra = fields_of(fields.get("extra")).get(OURS)
        return (read_as(extra, dict[str, Any]) or {}) if self._context.ours else {}

    def _meaning(self, name: str) -> tuple[Op, str]:
        if self._own:
            own: Op = self._own["op"] if self._own.get("op") in _OPS else "other"
            return own, text_of(self._given.get(ARGUMENTS.get(own, "subject")))
        return operation_and_subject(name, self._given, self._context.cwd)

    def edits(self) -> Iterator[tuple[FileEdit, int | None]]:
        """Yields the files that the call changed, each with its time."""
        for edit in read_as(msgspec.json.encode(self._own.get("edits")), list[dict[str, Any]]) or ():
            found = read_as(msgspec.json.encode({**edit, "call_id": self.open.id}), FileEdit)
            if found is not None:
                yield found, _at(edit)
        if not self._own and self.succeeded:
            changes = file_changes(self.open.op, self.open.subject, self._given, self._context.cwd)
            yield from ((as_edit(change, self.open.id), None) for change in changes)


_OPS: Final = (*OPERATIONS.values(), "other")


def _begun(context: Context, fields: Fields) -> Context:
    """Returns the context for the steps of the trajectory that begins."""
    subagent_id = text_of(fields.get("subagent_id")) or None
    if subagent_id is not None:
        return msgspec.structs.replace(context, subagent_id=subagent_id)
    head = fields_of(fields.get("head"))
    agent = fields_of(head.get("agent"))
    extra = fields_of(head.get("extra"))
    ours_in_head = fields_of(extra.get(OURS))
    extra_of_agent = fields_of(agent.get("extra"))
    mark = text_of(fields.get("mark"))
    named = usable_name(text_of(head.get("trajectory_id")))
    version = text_of(agent.get("version"))
    return Context(
        session=usable_name(text_of(head.get("session_id"))) or named or f"atif-{mark}",
        id=named or mark,
        cwd=_working_folder(ours_in_head, extra, extra_of_agent),
        ours=OURS in extra,
        facts=event_builder.Facts(
            title=bounded(text_of(ours_in_head.get("title")), SHORT_CHARS) or None,
            agent_version=usable_name(version if version != UNKNOWN else None),
            model=usable_name(text_of(agent.get("model_name"))),
            branch=usable_name(text_of(ours_in_head.get("branch"))),
            parent=usable_name(text_of(ours_in_head.get("parent"))),
        ),
    )


def _working_folder(ours_in_head: Fields, extra: Fields, extra_of_agent: Fields) -> str | None:
    """Returns the first usable folder that the head of a trajectory names."""
    listed = items_of(extra_of_agent.get("cwds")) or items_of(extra.get("cwds"))
    folders = [text_of(fields.get("cwd")) for fields in (ours_in_head, extra, extra_of_agent)]
    folders += [text_of(raw) for raw in listed]
    usable = map(event_builder.usable_folder, folders)
    return next((folder for folder in usable if folder is not None), None)


def _only(calls: Mapping[str, _Call]) -> _Call | None:
    return next(iter(calls.values())) if len(calls) == 1 else None


def _at(own: dict[str, Any]) -> int | None:
    at = own.get("at")
    return time_of(msgspec.Raw(msgspec.json.encode(at))) or None if isinstance(at, str) else None


def _text(raw: msgspec.Raw | None) -> tuple[str, int]:
    """Returns the text of a message or content, and how many pictures and sounds are in it."""
    if text := text_of(raw):
        return text, 0
    parts = [fields_of(part) for part in items_of(raw)]
    texts = [text_of(part.get("text")) for part in parts if text_of(part.get("type")) == "text"]
    return "\n".join(texts), len(parts) - len(texts)
