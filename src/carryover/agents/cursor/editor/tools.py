"""Tool bubbles of the editor: a call and its result in one, with JSON inside strings."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.agents.cursor.editor.draft import Draft
from carryover.agents.cursor.editor.records import BubbleRecord
from carryover.agents.cursor.editor.wire import ToolData, name_of, unwrapped
from carryover.agents.cursor.talk.context import MAX_CHANGES
from carryover.agents.cursor.terms.asked import questions_of
from carryover.agents.cursor.terms.outcomes import Outcome, outcome_of
from carryover.agents.cursor.terms.slugs import paths_in
from carryover.agents.cursor.terms.todos import as_update, todos_after
from carryover.agents.cursor.terms.tools import changes_of, looks_at_handoff, op_of, plain_name, subject_of
from carryover.model import Answer, Op, ToolCall, ToolResult
from carryover.records import rawjson
from carryover.records.bounds import MAX_NAME_CHARS, SHORT_CHARS, SUBJECT_CHARS, bounded
from carryover.records.changes import Change, as_edit
from carryover.records.text import without_handoff

_UNFINISHED: Final = ("loading", "pending", "running")


class WireError(msgspec.Struct, frozen=True, rename="camel"):
    """`error` of a tool call (the second name is unverified)."""

    client_visible_error_message: msgspec.Raw = rawjson.ABSENT
    model_visible_error_message: msgspec.Raw = rawjson.ABSENT
    message: msgspec.Raw = rawjson.ABSENT


class EditResult(msgspec.Struct, frozen=True, rename="camel"):
    """Result of `edit_file_v2`: keys of the file's text before and after. Without a former text, the file is new."""

    before_content_id: msgspec.Raw = rawjson.ABSENT
    after_content_id: msgspec.Raw = rawjson.ABSENT


class Merges(msgspec.Struct, frozen=True):
    merge: msgspec.Raw = rawjson.ABSENT


def fold_tool(draft: Draft, record: BubbleRecord) -> None:
    """A call, and its result where there is one."""
    data = rawjson.part_of(record.bubble.tool_former_data, ToolData)
    name = name_of(data.name) if data is not None else ""
    if data is None or not 0 < len(name) <= MAX_NAME_CHARS:
        draft.skip("bubble/tool", "no usable name")
        return
    given = name_of(data.tool_call_id)
    # The id is as the model's provider made it; some hold a line break and a second id.
    call_id = given.partition("\n")[0][:MAX_NAME_CHARS] or record.bubble_id
    args = [unwrapped(raw) for raw in (data.raw_args, data.params) if raw is not rawjson.ABSENT]
    draft.learn_folder(path for raw in args for path in paths_in(raw))
    subject = bounded(next(filter(None, (subject_of(name, raw) for raw in args)), ""), SUBJECT_CHARS)
    questions = next(filter(None, (questions_of(call_id, raw) for raw in args)), ()) if op_of(name) == "ask" else ()
    if questions:
        subject = bounded(questions[0].text, SUBJECT_CHARS)
    draft.add(ToolCall(call_id=call_id, name=name, op=op_of(name), subject=subject), "call")
    for number, question in enumerate(questions):
        draft.add(question, f"question{number}")
    if plain_name(name) == "todowrite":
        _fold_todos(draft, args)
    outcome = _outcome(draft, op_of(name), data)
    if outcome is None:
        return
    own = any(looks_at_handoff(raw, draft.folder) for raw in args)
    draft.add(
        ToolResult(
            call_id=call_id,
            name=name,
            op=op_of(name),
            status=outcome.status,
            subject=subject,
            exit_code=outcome.exit_code,
            output="" if own else without_handoff(outcome.output),
            never_ran=outcome.never_ran,
        ),
        "result",
    )
    if outcome.status != "ok":
        return
    for number, change in enumerate(_changes(draft, name, args, data)):
        draft.add(as_edit(change, call_id), f"edit{number}")
    if questions and (said := outcome.output.strip()):
        asked = " / ".join(bounded(question.text, SHORT_CHARS) for question in questions)
        draft.add(Answer(call_id=call_id, question=asked, text=said), "answer")


def _outcome(draft: Draft, op: Op, data: ToolData) -> Outcome | None:
    """How the call ended, None where it did not (that we know of)."""
    status = name_of(data.status)
    result = outcome_of(op, unwrapped(data.result)) if data.result is not rawjson.ABSENT else Outcome("unknown")
    if status in _UNFINISHED:
        return None
    if status == "error":
        return msgspec.structs.replace(result, status="error", output=result.output or _error_text(data))
    if status == "cancelled":
        stopped = result.status != "denied"
        return msgspec.structs.replace(result, status="interrupted" if stopped else "denied")
    if status not in ("completed", ""):
        draft.skip("bubble/tool", "unknown status")
        return msgspec.structs.replace(result, status="unknown")
    if op == "shell":
        # A command that failed is `completed` too, so that without an exit code nobody knows how it ended.
        silent = result.status == "ok" and result.exit_code is None
        return msgspec.structs.replace(result, status="unknown") if silent else result
    if result.status == "unknown" and status == "completed":
        return msgspec.structs.replace(result, status="ok")
    return result


def _error_text(data: ToolData) -> str:
    raw = unwrapped(data.error)
    given = rawjson.part_of(raw, WireError)
    if given is None:
        return name_of(raw)
    told = (given.client_visible_error_message, given.model_visible_error_message, given.message)
    return next(filter(None, map(name_of, told)), "")


def _changes(draft: Draft, name: str, args: list[msgspec.Raw], data: ToolData) -> tuple[Change, ...]:
    """The files that a call changed which succeeded, by the first form of its arguments that names some."""
    found = next(filter(None, (changes_of(name, raw, draft.folder) for raw in args)), ())
    result = rawjson.part_of(unwrapped(data.result), EditResult)
    if result is not None and name_of(result.after_content_id) and not name_of(result.before_content_id):
        found = tuple(
            msgspec.structs.replace(change, change="add") if change.change == "modify" else change for change in found
        )
    return found[:MAX_CHANGES]


def _fold_todos(draft: Draft, args: list[msgspec.Raw]) -> None:
    """A list that is given whole; changes to one are told with the conversation."""
    for raw in args:
        merges = rawjson.part_of(raw, Merges)
        todos = todos_after((), raw) if merges is not None and bytes(merges.merge) != b"true" else None
        if todos:
            draft.add(as_update(todos), "todos")
            return
