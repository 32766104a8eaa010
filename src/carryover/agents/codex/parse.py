"""Turns rollout records into events, one record at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from carryover.adapter.contract import Parsed, Record, Source
from carryover.adapter.event_builder import usable_folder, usable_name
from carryover.agents.codex import messages, wire
from carryover.agents.codex.builder import MAX_TURNS, Builder, Context, Turn
from carryover.agents.codex.locate import NOTED
from carryover.agents.codex.results import parse_command, parse_file_change, parse_output, parse_web_search
from carryover.agents.codex.tools import parse_call
from carryover.agents.codex.wire import QUIET_EVENTS, QUIET_ITEMS, QUIET_RECORDS, QUIET_RESPONSES
from carryover.model import Retracted, Skipped, TurnEnd
from carryover.records import rawjson
from carryover.records.fields import digest, utc_ms
from carryover.records.lenient import Fields, fields_of, inside, number_of, text_of
from carryover.records.resets import failed_turn

_COPIED_WITHIN_S: Final = 10
"""A history is copied when the file is created (0.125); what is written later is the file's own."""
_CLIENTS_OWN: Final = frozenset(("subagent", "guardian_review", "memory_consolidation"))
"""Values of `thread_source` if no user speaks. All but the first are reported; other names are the user's programs."""


def parse_session(builder: Builder, payload: msgspec.Raw) -> None:
    """Handles `session_meta`. The first one is the file's own; later ones were copied with another thread's history."""
    meta = rawjson.part_of(payload, wire.SessionMeta)
    if meta is None or usable_name(meta.id) is None:
        builder.skip("session_meta", "unexpected shape")
        return
    if builder.context.thread is not None:
        if meta.id != builder.context.thread and not _keeps_copy(builder.context):
            builder.change(copied_s=builder.context.made_s)
        return
    is_sub_agent = _is_clients_own(meta)
    spawner = text_of(inside(meta.source, "subagent", "thread_spawn", "parent_thread_id"))
    named_by = (meta.session_id, meta.parent_thread_id, spawner)
    parent = next((thread for thread in named_by if usable_name(thread) and thread != meta.id), meta.id)
    cwd = usable_folder(meta.cwd)
    made_s = (utc_ms(meta.timestamp) or builder.at_ms) // 1000
    builder.change(
        thread=meta.id,
        session=parent if is_sub_agent else meta.id,
        subagent_id=meta.id if is_sub_agent else None,
        cwd=cwd,
        family="paginated" if meta.history_mode == "paginated" else "legacy",
        turns=(Turn(cwd=cwd),),
        made_s=made_s,
        copied_s=made_s if _is_copying_fork(meta) and not builder.context.orphan else None,
    )
    branch = text_of(inside(meta.git, "branch"))
    builder.learn(agent_version=meta.cli_version, branch=branch, parent=meta.forked_from_id)


def is_still_copied(context: Context, line: wire.Line) -> bool:
    """Whether a record is history that the client copied from the thread that was forked (0.125) or that started this
    one.

    Copies have the time of the fork but keep the start time of their turn, so the first turn that started after the
    fork is the fork's own. If no turn with a start time follows, copying ends by the clock.
    """
    if context.copied_s is None:
        return False
    if utc_ms(line.timestamp) >= (context.copied_s + _COPIED_WITHIN_S) * 1000:
        return False
    if line.type != "event_msg" or wire.kind_of(line.payload) != "task_started":
        return True
    event = rawjson.part_of(line.payload, wire.TurnEvent) or wire.TurnEvent()
    started_s = wire.whole_number(event.started_at)
    return started_s is None or started_s < context.copied_s


def _is_clients_own(meta: wire.SessionMeta) -> bool:
    """Whether a file belongs to a sub-agent, a reviewer, or another thread in which no user speaks."""
    return meta.thread_source in _CLIENTS_OWN or not {"subagent", "internal"}.isdisjoint(fields_of(meta.source))


def _is_copying_fork(meta: wire.SessionMeta) -> bool:
    """Whether the file is a fork into which its parent's records were copied."""
    return meta.forked_from_id is not None and wire.whole_number(meta.forked_from_ordinal_exclusive) is None


def _keeps_copy(context: Context) -> bool:
    """Whether copied history counts because it is nowhere else. A sub-agent's copy belongs to its session."""
    return context.orphan and context.subagent_id is None


_LIMITS: Final = frozenset(("usage_limit_exceeded", "rate_limit_exceeded"))
_TOO_MANY: Final = 429
_ASKED: Final = "prompt"
"""The kind under which a turn counts its prompts."""
_ENDED_BY_USER: Final = frozenset(("interrupted", "replaced"))


def parse_started(builder: Builder, event: wire.TurnEvent) -> None:
    """Handles `task_started`. A turn with a trigger is the user's, so a running review is over."""
    builder.start_turn(usable_name(event.turn_id), None)
    # In the file that asked for a review, the reviewer's turn begins too; that has no trigger.
    if text_of(inside(event.turn_attribution, "turn_trigger")):
        builder.change(review=False)


def parse_context(builder: Builder, payload: msgspec.Raw) -> None:
    """Handles `turn_context`: a turn's folder and model. 0.99 writes one per request, without a turn id."""
    given = rawjson.part_of(payload, wire.TurnContext)
    if given is None:
        builder.skip("turn_context", "unexpected shape")
        return
    builder.learn(model=given.model)
    # A review's turn has none in the file that asked for it.
    builder.change(place=None, review=False)
    turn_id = usable_name(given.turn_id)
    builder.start_turn(turn_id if turn_id is not None else builder.turn.id, usable_folder(given.cwd))
    if builder.context.facts.parent is not None:
        # A fork starts with a hook, before its prompt. By then it must be known whose history it has.
        builder.emit_session_info()


def parse_settings(builder: Builder, applied: wire.SettingsApplied) -> None:
    """Handles `thread_settings_applied`: the folder of the next turn.

    A thread resumed in another folder writes it first; for `/compact`, a `!command` and a review it is the only record
    (0.169).
    """
    place = usable_folder(text_of(inside(applied.thread_settings, "cwd")))
    if place is not None and applied.thread_id in (None, builder.context.thread):
        builder.change(place=place)


def parse_complete(builder: Builder, event: wire.TurnEvent) -> None:
    """Handles `task_complete`. Only its error is news, and clients up to 0.145 don't record that."""
    builder.at_turn(event.turn_id)
    builder.change(review=False)
    if error := fields_of(event.error):
        _parse_error(builder, error)


def parse_aborted(builder: Builder, event: wire.TurnEvent) -> None:
    """Handles `turn_aborted`. Only the user's own aborts count: `interrupted` (0.125, 0.169), `replaced` (reported)."""
    builder.at_turn(event.turn_id)
    builder.change(review=False)
    if event.reason in _ENDED_BY_USER:
        _end(builder, TurnEnd(reason="interrupted"))


def parse_rolled_back(builder: Builder, event: wire.RolledBack) -> None:
    """Handles a rollback of the newest turns.

    What was said in them no longer counts. What was done does, since files are left as they are.
    """
    newest = builder.context.turns[-MAX_TURNS:]
    asked = [turn for turn in newest if turn.id is not None and turn.counts.get(_ASKED) and not turn.undone]
    for turn in asked[-event.num_turns :] if event.num_turns > 0 else ():
        builder.at_turn(turn.id)
        builder.add(Retracted(keys=builder.said_in_turn()), "undone", str(turn.id))
        builder.mark_turn(undone=True)


def _parse_error(builder: Builder, error: Fields) -> None:
    limited = _is_limit(error.get("codex_error_info", rawjson.ABSENT))
    _end(builder, failed_turn(text_of(error.get("message")), builder.at_ms, limited=limited))


def _is_limit(raw: msgspec.Raw) -> bool:
    """Whether an error means a usage limit, or a provider's HTTP 429 until the client gave up.

    It is a name, or an object with that name as its only key.
    """
    statuses = (number_of(inside(detail, "http_status_code")) for detail in fields_of(raw).values())
    return text_of(raw) in _LIMITS or _TOO_MANY in statuses


def _end(builder: Builder, end: TurnEnd) -> None:
    # A turn ends once, however many records report it.
    if not builder.turn.counts.get("end"):
        builder.add(end, "end", digest(end.message))


T = TypeVar("T")
_NOTHING: Final = Parsed()


def parse_record(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record of a Codex transcript. Never raises: what is not understood is counted in `skipped`."""
    if record.number == NOTED:
        return msgspec.structs.replace(context, orphan=True), _NOTHING
    line = rawjson.read_line(wire.LINE, record.data, version=context.facts.agent_version)
    if line is None:
        return context, _NOTHING
    if isinstance(line, Skipped):
        return context, Parsed(skipped=(line,))
    handle = _RECORDS.get(line.type)
    if line.type in QUIET_RECORDS or (handle is not None and is_still_copied(context, line)):
        return context, _NOTHING
    builder = Builder.begin(source, context, line)
    if handle is None:
        builder.skip(line.type, "unknown record type")
    else:
        builder.change(copied_s=None)
        handle(builder, line.payload)
    return builder.parsed()


def _parse_event(builder: Builder, payload: msgspec.Raw) -> None:
    kind = wire.kind_of(payload) or ""
    if kind in QUIET_EVENTS:
        return
    if (known := _EVENTS.get(kind)) is not None:
        _with(builder, f"event_msg/{kind}", payload, *known)
    elif kind in ("user_message", "agent_message"):
        messages.parse_event_message(builder, kind, payload)
    elif kind in ("entered_review_mode", "exited_review_mode"):
        builder.change(review=kind == "entered_review_mode")
    else:
        builder.skip(f"event_msg/{kind}", "unknown event")


def _parse_item(builder: Builder, completed: wire.ItemCompleted) -> None:
    kind = wire.kind_of(completed.item) or ""
    if kind in QUIET_ITEMS:
        return
    # The file that asked for a review repeats the reviewer's prompt.
    if None not in (builder.context.thread, completed.thread_id) and completed.thread_id != builder.context.thread:
        return
    builder.at_turn(completed.turn_id)
    if (known := _ITEMS.get(kind)) is not None:
        _with(builder, f"item_completed/{kind}", completed.item, *known)
    elif kind in ("UserMessage", "AgentMessage"):
        messages.parse_item_message(builder, kind, completed.item)
    elif kind in ("EnteredReviewMode", "ExitedReviewMode"):
        builder.change(review=kind == "EnteredReviewMode")
    else:
        builder.skip(f"item_completed/{kind}", "unknown item")


def _parse_response(builder: Builder, payload: msgspec.Raw) -> None:
    kind = wire.kind_of(payload) or ""
    if kind in QUIET_RESPONSES:
        return
    if kind in ("function_call", "custom_tool_call"):
        _with(builder, kind, payload, wire.Call, lambda at, call: parse_call(at, kind, call))
    elif kind in ("function_call_output", "custom_tool_call_output"):
        _with(builder, kind, payload, wire.Output, lambda at, output: parse_output(at, kind, output))
    elif kind == "web_search_call":
        _with(builder, kind, payload, wire.Call, parse_web_search)
    elif kind != "message":
        builder.skip(f"response_item/{kind}", "unknown item")
    elif builder.turn.id is not None:
        messages.parse_report(builder, payload)
    elif (place := usable_folder(messages.environment_folder(payload))) is not None:
        # 0.99 records the folder of a turn only after its prompt; but the model learns it before.
        builder.start_turn(None, place)


def _with(builder: Builder, name: str, raw: msgspec.Raw, kind: type[T], handle: Callable[[Builder, T], None]) -> None:
    """Parses part of the record as `kind` and passes it to `handle`, or counts it as misshapen."""
    part = rawjson.part_of(raw, kind)
    if part is None:
        builder.skip(name, "unexpected shape")
    else:
        handle(builder, part)


_RECORDS: Final[dict[str, Callable[[Builder, msgspec.Raw], None]]] = {
    "session_meta": parse_session,
    "turn_context": parse_context,
    "event_msg": _parse_event,
    "response_item": _parse_response,
    "compacted": messages.parse_compacted,
}
_EVENTS: Final[dict[str, tuple[type[Any], Callable[[Builder, Any], None]]]] = {
    "task_started": (wire.TurnEvent, parse_started),
    "turn_started": (wire.TurnEvent, parse_started),
    "task_complete": (wire.TurnEvent, parse_complete),
    "turn_complete": (wire.TurnEvent, parse_complete),
    "turn_aborted": (wire.TurnEvent, parse_aborted),
    "thread_settings_applied": (wire.SettingsApplied, parse_settings),
    "thread_rolled_back": (wire.RolledBack, parse_rolled_back),
    "item_completed": (wire.ItemCompleted, _parse_item),
    "exec_command_end": (wire.Command, parse_command),
    "patch_apply_end": (wire.FileChange, parse_file_change),
}
_ITEMS: Final[dict[str, tuple[type[Any], Callable[[Builder, Any], None]]]] = {
    "CommandExecution": (wire.Command, parse_command),
    "FileChange": (wire.FileChange, parse_file_change),
    "Plan": (wire.PlanItem, messages.parse_plan),
}
