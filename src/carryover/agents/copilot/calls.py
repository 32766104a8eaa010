"""Tool calls in the log of a session."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.adapter.event_builder import opened, usable_name
from carryover.agents.copilot import tools
from carryover.agents.copilot.builder import Builder
from carryover.agents.copilot.context import OpenCall
from carryover.model import Actor, PlanProposal, Question
from carryover.records import rawjson
from carryover.records.lenient import Fields, fields_of, first_text, items_of, text_of
from carryover.records.text import names_own_folder

READ_SHELLS: Final = frozenset(("read_bash", "stop_bash", "write_bash", "read_powershell", "stop_powershell"))
"""Tools that read from or write to a command that keeps running."""

_QUIET_TOOLS: Final = frozenset(("report_intent", "task_complete"))
"""Tools that only report what a separate record reports as well."""
_MAX_OPEN_CALLS: Final = 100
_MAX_QUERY_CHARS: Final = 10_000


def parse_call(builder: Builder) -> None:
    """Handles a tool call by the model, and adds any question to the user with it."""
    _parse(builder, "model")


def parse_own_call(builder: Builder) -> None:
    """Handles a command that the user ran in the client."""
    _parse(builder, "human")


def _parse(builder: Builder, actor: Actor) -> None:
    call_id, name = usable_name(builder.text("toolCallId")), usable_name(builder.text("toolName"))
    if call_id is None or name is None:
        builder.skip(builder.line.type, "no usable id or name")
        return
    if name in _QUIET_TOOLS or any(call.id == call_id for call in builder.context.calls):
        return
    given = _arguments(builder, name)
    call = _open_call(builder, call_id, name, given)
    if actor == "human":
        call = msgspec.structs.replace(call, actor=actor, changes=())
    builder.add(call.as_event(), "call")
    builder.change(calls=opened(builder.context.calls, call, most=_MAX_OPEN_CALLS))
    if call.question:
        builder.add(Question(call_id=call.id, text=call.question, options=_options(given)), "question")
    elif name == "exit_plan_mode":
        builder.add(PlanProposal(call_id=call.id, text=first_text(given, "summary")), "plan")


def _arguments(builder: Builder, name: str) -> Fields:
    """Returns the arguments; a patch may be the only one."""
    raw = builder.data.get("arguments", rawjson.ABSENT)
    if bytes(raw)[:1] not in b'{"':
        builder.skip(f"{builder.line.type}/{name}", "unexpected arguments")
    return fields_of(raw) or {"input": raw}


def _open_call(builder: Builder, call_id: str, name: str, given: Fields) -> OpenCall:
    op, cwd = tools.op_of(name), builder.context.cwd
    query = first_text(given, "query") if name == "sql" else ""
    if "todos" in query.lower():
        op = "plan"
    about = tools.subject_in(op, given)
    return OpenCall(
        id=call_id,
        name=name,
        op=op,
        subject=about,
        thread=builder.subagent_id or "",
        changes=tools.planned(op, given, cwd),
        question=about if op == "ask" else "",
        query=query if op == "plan" and len(query) <= _MAX_QUERY_CHARS else "",
        process=usable_name(first_text(given, "shellId")) if name in READ_SHELLS else None,
        handoff=names_own_folder(" ".join((cwd or "", about, first_text(given, *tools.PATHS)))),
    )


def _options(given: Fields) -> tuple[str, ...]:
    # `choices` in 1.0.48, the fields of a form in 1.0.102.
    form = fields_of(fields_of(given.get("requestedSchema")).get("properties")).values()
    listed = [given.get("choices"), *(fields_of(field).get("enum") for field in form)]
    return tuple(filter(None, (text_of(choice) for choices in listed for choice in items_of(choices))))
