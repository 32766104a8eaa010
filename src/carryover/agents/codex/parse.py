"""Turns rollout records into events, one record at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from carryover.adapter.contract import Parsed, Record, Source
from carryover.adapter.event_builder import usable_folder, usable_name
from carryover.agents.codex import calls, messages, wire
from carryover.agents.codex.builder import MAX_TURNS, Builder, Context, Turn
from carryover.model import Retracted, Skipped, TurnEnd
from carryover.records import rawjson
from carryover.records.fields import digest, utc_ms
from carryover.records.lenient import fields_of, inside, number_of, text_of
from carryover.records.resets import failed_turn
from carryover.records.text import tagged

_COPIED_WITHIN_S: Final = 10
"""A history is copied when the file is created (0.125); what is written later is the file's own."""
_CLIENTS_OWN: Final = frozenset(("subagent", "guardian_review", "memory_consolidation"))
"""Values of `thread_source` if no user speaks. All but the first are reported; other names are the user's programs."""
_LIMITS: Final = frozenset(("usage_limit_exceeded", "rate_limit_exceeded"))
_TOO_MANY: Final = 429
_ENDED_BY_USER: Final = frozenset(("interrupted", "replaced"))


def parse_record(source: Source, context: Context, record: Record) -> tuple[Context, Parsed]:
    """Parses one record of a Codex transcript. Never raises: what is not understood is counted in `skipped`."""
    line = rawjson.read_line(wire.LINE, record.data, version=context.facts.agent_version)
    if line is None or isinstance(line, Skipped):
        return context, Parsed() if line is None else Parsed(skipped=(line,))
    data = fields_of(line.payload)
    has_kinds = line.type in ("event_msg", "response_item")
    name = f"{line.type}/{text_of(data.get('type'))}" if has_kinds else line.type
    if name in wire.QUIET:
        return context, Parsed()
    builder = Builder.begin(source, context, line, name, data)
    is_copied = _is_still_copied(builder)
    if builder.name == "event_msg/item_completed" and not _open_item(builder):
        return context, Parsed()
    handle = _HANDLERS.get(builder.name)
    if builder.name in wire.QUIET or (is_copied and handle is not None):
        return context, Parsed()
    if handle is None:
        builder.skip(builder.name, "unknown record type")
    else:
        builder.change(copied_s=None)
        handle(builder)
    return builder.parsed()


def _is_still_copied(builder: Builder) -> bool:
    """Whether a record is history that the client copied from the thread that was forked (0.125) or that started this
    one.

    Copies have the time of the fork but keep the start time of their turn, so the first turn that started after the
    fork is the fork's own. If no turn with a start time follows, copying ends by the clock.
    """
    copied_s = builder.context.copied_s
    if copied_s is None or (builder.timed and builder.at_ms >= (copied_s + _COPIED_WITHIN_S) * 1000):
        return False
    started_s = number_of(builder.data.get("started_at")) if builder.name == "event_msg/task_started" else None
    return started_s is None or started_s < copied_s


def _open_item(builder: Builder) -> bool:
    """Makes the item that a record holds the data of the builder; returns False if it is another thread's."""
    completed, thread = builder.data, builder.context.thread
    builder.data = fields_of(completed.get("item"))
    builder.name = f"item_completed/{builder.text('type')}"
    # The file that asked for a review repeats the reviewer's prompt.
    if thread is not None and text_of(completed.get("thread_id")) not in ("", thread):
        return False
    builder.at_turn(text_of(completed.get("turn_id")))
    return True


def _parse_session(builder: Builder) -> None:
    """Handles `session_meta`. The first one is the file's own; later ones were copied with another thread's history."""
    meta, thread = builder.data, usable_name(builder.text("id"))
    if thread is None:
        builder.skip("session_meta", "unexpected shape")
        return
    if builder.context.thread is not None:
        if thread != builder.context.thread:
            builder.change(copied_s=builder.context.made_s)
        return
    source = fields_of(meta.get("source"))
    is_sub_agent = builder.text("thread_source") in _CLIENTS_OWN or not {"subagent", "internal"}.isdisjoint(source)
    spawner = text_of(inside(meta.get("source", rawjson.ABSENT), "subagent", "thread_spawn", "parent_thread_id"))
    named_by = (builder.text("session_id"), builder.text("parent_thread_id"), spawner)
    parent = next((name for name in named_by if usable_name(name) and name != thread), thread)
    forked_from = builder.text("forked_from_id")
    # Set if nothing of the parent is copied (0.169).
    copies_nothing = number_of(meta.get("forked_from_ordinal_exclusive")) is not None
    cwd = usable_folder(builder.text("cwd"))
    made_s = (utc_ms(builder.text("timestamp")) or builder.at_ms) // 1000
    builder.change(
        thread=thread,
        session=parent if is_sub_agent else thread,
        subagent_id=thread if is_sub_agent else None,
        cwd=cwd,
        family="paginated" if builder.text("history_mode") == "paginated" else "legacy",
        turns=(Turn(cwd=cwd),),
        made_s=made_s,
        copied_s=made_s if forked_from and not copies_nothing else None,
    )
    branch = text_of(inside(meta.get("git", rawjson.ABSENT), "branch"))
    builder.learn(agent_version=builder.text("cli_version"), branch=branch, parent=forked_from)


def _parse_context(builder: Builder) -> None:
    """Handles `turn_context`: a turn's folder and model. 0.99 writes one per request, without a turn id."""
    builder.learn(model=builder.text("model"))
    # A review's turn has none in the file that asked for it.
    builder.change(place=None, review=False)
    builder.start_turn(usable_name(builder.text("turn_id")) or builder.turn.id, usable_folder(builder.text("cwd")))
    if builder.context.facts.parent is not None:
        # A fork starts with a hook, before its prompt. By then it must be known whose history it has.
        builder.emit_session_info()


def _parse_settings(builder: Builder) -> None:
    """Handles `thread_settings_applied`: the folder of the next turn.

    A thread resumed in another folder writes it first; for `/compact`, a `!command` and a review it is the only record
    (0.169).
    """
    place = usable_folder(text_of(fields_of(builder.data.get("thread_settings")).get("cwd")))
    if place is not None and builder.text("thread_id") in ("", builder.context.thread):
        builder.change(place=place)


def _parse_started(builder: Builder) -> None:
    builder.start_turn(usable_name(builder.text("turn_id")))


def _parse_complete(builder: Builder) -> None:
    """Handles `task_complete`. Only its error is news, and clients up to 0.145 don't record that."""
    builder.at_turn(builder.text("turn_id"))
    builder.change(review=False)
    if error := fields_of(builder.data.get("error")):
        limited = _is_limit(error.get("codex_error_info", rawjson.ABSENT))
        _end(builder, failed_turn(text_of(error.get("message")), builder.at_ms, limited=limited))


def _parse_aborted(builder: Builder) -> None:
    """Handles `turn_aborted`. Only the user's own aborts count: `interrupted` (0.125, 0.169), `replaced` (reported)."""
    builder.at_turn(builder.text("turn_id"))
    builder.change(review=False)
    if builder.text("reason") in _ENDED_BY_USER:
        _end(builder, TurnEnd(reason="interrupted"))


def _parse_rolled_back(builder: Builder) -> None:
    """Handles a rollback of the newest turns.

    What was said in them no longer counts. What was done does, since files are left as they are.
    """
    newest, count = builder.context.turns[-MAX_TURNS:], number_of(builder.data.get("num_turns")) or 0
    asked = [turn for turn in newest if turn.id is not None and turn.counts.get("prompt") and not turn.undone]
    for turn in asked[-count:] if count > 0 else ():
        builder.at_turn(turn.id)
        builder.add(Retracted(keys=builder.said_in_turn()), "undone", str(turn.id))
        builder.mark_turn(undone=True)


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


def _begin_review(builder: Builder) -> None:
    builder.change(review=True)


def _end_review(builder: Builder) -> None:
    builder.change(review=False)


def _parse_message(builder: Builder) -> None:
    if builder.turn.id is not None:
        messages.parse_report(builder)
        return
    # 0.99 records the folder of a turn only after its prompt; but the model learns it before.
    place = usable_folder(tagged(messages.clients_message(builder, "environment_context") or "", "cwd"))
    if place is not None:
        builder.start_turn(None, place)


_HANDLERS: Final[dict[str, Callable[[Builder], None]]] = {
    "session_meta": _parse_session,
    "turn_context": _parse_context,
    "compacted": messages.parse_compacted,
    "event_msg/task_started": _parse_started,
    "event_msg/turn_started": _parse_started,
    "event_msg/task_complete": _parse_complete,
    "event_msg/turn_complete": _parse_complete,
    "event_msg/turn_aborted": _parse_aborted,
    "event_msg/thread_settings_applied": _parse_settings,
    "event_msg/thread_rolled_back": _parse_rolled_back,
    "event_msg/exec_command_end": calls.parse_command,
    "event_msg/patch_apply_end": calls.parse_file_change,
    "event_msg/user_message": messages.parse_event_message,
    "event_msg/agent_message": messages.parse_event_message,
    "event_msg/entered_review_mode": _begin_review,
    "event_msg/exited_review_mode": _end_review,
    "item_completed/UserMessage": messages.parse_item_message,
    "item_completed/AgentMessage": messages.parse_item_message,
    "item_completed/CommandExecution": calls.parse_command,
    "item_completed/FileChange": calls.parse_file_change,
    "item_completed/Plan": messages.parse_plan,
    "item_completed/EnteredReviewMode": _begin_review,
    "item_completed/ExitedReviewMode": _end_review,
    "response_item/function_call": calls.parse_call,
    "response_item/custom_tool_call": calls.parse_call,
    "response_item/function_call_output": calls.parse_output,
    "response_item/custom_tool_call_output": calls.parse_output,
    "response_item/web_search_call": calls.parse_web_search,
    "response_item/message": _parse_message,
}
