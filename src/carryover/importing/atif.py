"""Reads trajectories in the Agent Trajectory Interchange Format (ATIF), versions 1.x, of any tool.

Carryover's own (`export/atif.py`) keep in `extra.carryover` what the format has no field for. In all others, operations
and outcomes are inferred from the names of tools, their arguments and what they printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from carryover.adapter.contract import Parsed, QuotedText, Record, Source, ToolOutcome
from carryover.adapter.spec import AgentSpec
from carryover.agents import specs
from carryover.export.atif import ARGUMENTS, OURS, UNKNOWN_VERSION
from carryover.importing.calls import PLAIN, call_of, quoted_of
from carryover.importing.candidate import Candidate, OpenedDocument, document
from carryover.importing.specstory import name_words, names_of
from carryover.importing.turns import MAX_BYTES, TurnEvents, TurnReader
from carryover.model import (
    NOTE,
    Actor,
    AgentSummary,
    AnyBody,
    AssistantMessage,
    FileEdit,
    Op,
    ToolResult,
    UserPrompt,
)
from carryover.records.fields import SHORT_CHARS, SUBJECT_CHARS, bounded, digest
from carryover.records.lenient import Fields, fields_of, is_true, items_of, read_as, text_and_others, text_of, time_of
from carryover.records.text import names_own_folder
from carryover.transcript import recorder as base
from carryover.transcript.files import read_small
from carryover.transcript.recorder import OpenCall, usable_name

ATIF: Final = "ATIF"

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)
_VERSION: Final = re.compile(rb'\s*:\s*"ATIF-v1\.\d')
_ID: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_MOST_NESTED: Final = 20


class _Context(base.SessionContext, frozen=True, omit_defaults=True):
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


def recognised(file: Candidate) -> OpenedDocument | None:
    """Returns a trajectory as a document; None if it is none."""
    return document_of(_spec_of(file), _records, file.path, ATIF) if is_trajectory(file.head) else None


def document_of(spec: AgentSpec, records: Callable[[bytes], list[Record]], path: Path, form: str) -> OpenedDocument:
    """Returns a document in which `records` finds the head of a trajectory and its steps."""
    return document(spec, TurnReader(records), _Context, partial(_parse, quoted_of(spec)), path, form)


def _spec_of(file: Candidate) -> AgentSpec:
    """Returns the agent whose session it is; one of the tool's own name if Carryover does not know that."""
    if file.named is not None:
        return file.named
    name = text_of(fields_of(_root(read_small(file.path, limit=MAX_BYTES) or b"").get("agent")).get("name"))
    words = name_words(name)
    for spec in specs():
        if any(words == name_words(called) for called in names_of(spec)):
            return spec
    own = "-".join(re.findall(r"[a-z0-9]+", name.lower()))
    usable = _ID.fullmatch(own) and len(own) <= 40 and own != NOTE
    return AgentSpec(id=own if usable else "atif", name=name[:SHORT_CHARS] or ATIF, binaries=(), folders=())


def _root(data: bytes) -> Fields:
    return fields_of(data.removeprefix(b"\xef\xbb\xbf").strip())


def _records(data: bytes) -> list[Record]:
    return [Record(number=number, data=found) for number, found in enumerate(_of_trajectory(_root(data), None), 1)]


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


def _parse(quoted: QuotedText, _source: Source, context: _Context, record: Record) -> tuple[_Context, Parsed]:
    fields = fields_of(record.data)
    if "head" in fields:
        return _begun(context, fields), Parsed()
    name = text_of(fields.get("step_id")) or bytes(fields.get("step_id", b"")).decode("utf-8", "replace")[:20]
    prefix = f"atif/{context.session}/{context.id}/{context.subagent_id or ''}/{name}/"
    step = TurnEvents(context=context, prefix=prefix, session=context.session, subagent_id=context.subagent_id)
    step.at_ms = time_of(fields.get("timestamp")) or context.last_ms
    step.change(last_ms=step.at_ms)
    if "source" not in fields:
        step.skip("step", "not a step")
    elif not is_true(fields.get("is_copied_context")):
        if context.subagent_id is None:
            step.learn(model=text_of(fields.get("model_name")))
        _say(step, quoted, fields)
        _calls(step, quoted, fields, f"{context.session}/{name}")
    return step.finish()


def _say(step: TurnEvents[_Context], quoted: QuotedText, fields: Fields) -> None:
    text, images = _text(fields.get("message"))
    if own := _own_of(step.context, fields):
        _say_again(step, own, text)
        return
    match text_of(fields.get("source")):
        case "user" if text.strip() or images:
            ours = step.context.ours
            bodies: tuple[AnyBody, ...] = (
                UserPrompt(text=text, actor="human" if ours else step.actor, attachments=images),
            )
            if step.subagent_id is None and quoted is not PLAIN and not ours:
                bodies = quoted.prompt(text, "")
            for number, body in enumerate(bodies):
                step.add(body, f"prompt{number}")
        case "agent" if text.strip():
            step.add(AssistantMessage(text=text), "said")
        case "system":
            managed = fields_of(fields_of(fields.get("extra")).get("context_management"))
            results = map(fields_of, items_of(fields_of(fields.get("observation")).get("results")))
            summary = "\n\n".join(filter(None, (_text(result.get("content"))[0] for result in results)))
            if text_of(managed.get("type")) == "compaction" and (summary or text.strip()):
                step.add(AgentSummary(text=summary or text, source="compaction"), "said")


def _own_of(context: _Context, fields: Fields) -> dict[str, Any]:
    """What Carryover's own export says about a step, a call or a result; empty in any other document."""
    extra = fields_of(fields.get("extra")).get(OURS) if context.ours else None
    return read_as(extra, dict[str, Any]) or {}


def _say_again(step: TurnEvents[_Context], own: dict[str, Any], text: str) -> None:
    """Adds the event of a step that Carryover wrote, unless it is not one that a step may hold."""
    kind = own.get("kind")
    command = own.get("command")
    if kind == "user_prompt" and isinstance(command, str):
        text = text.removeprefix(command).removeprefix(" ")
    if kind in ("user_prompt", "assistant_message"):
        own = {**own, "text": text}
    with suppress(msgspec.ValidationError):
        if kind not in ("retracted", "session_info", "tool_call", "tool_result"):
            step.add(msgspec.convert(own, AnyBody), "said")
            return
    step.skip("step", "not an event")


def _calls(step: TurnEvents[_Context], quoted: QuotedText, fields: Fields, idents: str) -> None:
    calls: dict[str, tuple[OpenCall, dict[str, Any]]] = {}
    for number, raw in enumerate(map(fields_of, items_of(fields.get("tool_calls")))):
        own = _own_of(step.context, raw)
        call = _call(raw, own, f"{idents}/{number}", step.context.cwd)
        calls[call.id] = call, own
        _add_at(step, own, call.as_event(), f"call{number}")
    succeeded = set[str]()
    results = items_of(fields_of(fields.get("observation")).get("results"))
    for number, result in enumerate(map(fields_of, results)):
        named = text_of(result.get("source_call_id")) or (next(iter(calls)) if len(calls) == 1 else "")
        if named in calls:
            own = _own_of(step.context, result)
            ended = _ended(calls[named][0], own, quoted, result)
            _add_at(step, own, ended, f"result{number}")
            succeeded |= {named} if ended.status in ("ok", "unknown") else set()
    for call, own in calls.values():
        if not own and call.id in succeeded:
            step.add_edits(call, edit=f"edit/{call.id}/")
        edits = read_as(msgspec.json.encode(own.get("edits")), list[dict[str, Any]]) or ()
        found = ((edit, read_as(msgspec.json.encode({**edit, "call_id": call.id}), FileEdit)) for edit in edits)
        for number, (edit, body) in enumerate((edit, body) for edit, body in found if body is not None):
            _add_at(step, edit, body, f"edit/{call.id}/{number}")


def _add_at(step: TurnEvents[_Context], own: dict[str, Any], body: AnyBody, key: str) -> None:
    """Adds an event at the time of its own that Carryover's export notes, if there is one."""
    usual, at = step.at_ms, own.get("at")
    step.at_ms = (time_of(msgspec.Raw(msgspec.json.encode(at))) if isinstance(at, str) else 0) or usual
    step.add(body, key)
    step.at_ms = usual


def _call(fields: Fields, own: dict[str, Any], fallback: str, cwd: str | None) -> OpenCall:
    given = fields_of(fields.get("arguments"))
    name = usable_name(text_of(fields.get("function_name"))) or "?"
    ident = usable_name(text_of(fields.get("tool_call_id"))) or fallback
    if not own:
        return call_of(ident, name, given, cwd)
    op: Op = own["op"] if own.get("op") in get_args(Op) else "other"
    subject = text_of(given.get(ARGUMENTS.get(op, "subject")))
    actor: Actor = "human" if own.get("actor") == "human" else "model"
    return OpenCall(ident, name, op, bounded(subject, SUBJECT_CHARS), actor, handoff=names_own_folder(subject))


def _ended(call: OpenCall, own: dict[str, Any], quoted: QuotedText, result: Fields) -> ToolResult:
    output, _ = _text(result.get("content"))
    if own:
        outcome = read_as(msgspec.json.encode({**own, "output": output}), ToolOutcome) or ToolOutcome("unknown")
        dropped = own.get("dropped")
        return msgspec.structs.replace(call.ended(outcome), dropped=dropped if isinstance(dropped, int) else 0)
    outcome = quoted.outcome(call.op, output)
    extra = fields_of(result.get("extra"))
    failed = is_true(extra.get("is_error")) or is_true(extra.get("tool_result_is_error"))
    if failed and outcome.status in ("ok", "unknown"):
        outcome = msgspec.structs.replace(outcome, status="error")
    return call.ended(outcome)


def _begun(context: _Context, fields: Fields) -> _Context:
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
    return _Context(
        session=usable_name(text_of(head.get("session_id"))) or named or f"atif-{mark}",
        id=named or mark,
        cwd=_working_folder(ours_in_head, extra, extra_of_agent),
        ours=OURS in extra,
        facts=base.SessionFacts(
            title=bounded(text_of(ours_in_head.get("title")), SHORT_CHARS) or None,
            agent_version=usable_name(version if version != UNKNOWN_VERSION else None),
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
    usable = map(base.usable_folder, folders)
    return next((folder for folder in usable if folder is not None), None)


def _text(raw: msgspec.Raw | None) -> tuple[str, int]:
    """Returns the text of a message or content, and how many pictures and sounds are in it."""
    text = text_of(raw)
    return (text, 0) if text else text_and_others(raw)
