"""Tool calls: what each was asked to do, how it ended, and what it changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import OpenCall, usable_name
from carryover.model import Answer, AnyBody, Op, PlanItem, PlanUpdate, Question
from carryover.records import rawjson
from carryover.records.changes import Change, as_edit, hunks_in, patched, planned
from carryover.records.fields import MAX_PATH_CHARS, SHORT_CHARS, SUBJECT_CHARS, bounded, resolved
from carryover.records.lenient import Fields, fields_of, first_text, items_of, text_of
from carryover.records.text import names_own_folder, without_ansi
from carryover.records.uris import path_of

OPS: Final[dict[str, Op]] = {
    **dict.fromkeys(("Bash", "run_terminal_command"), "shell"),
    **dict.fromkeys(("Read", "read_file", "read_file_range", "read_currently_open_file"), "read"),
    **dict.fromkeys(("Edit", "MultiEdit", "edit_existing_file", "single_find_and_replace", "multi_edit"), "edit"),
    **dict.fromkeys(("Write", "create_new_file"), "write"),
    **dict.fromkeys(("List", "Search", "ls", "grep_search", "file_glob_search"), "search"),
    **dict.fromkeys(("Fetch", "fetch_url_content", "search_web"), "web"),
    "Checklist": "plan",
    "AskQuestion": "ask",
    "Subagent": "agent",
}
"""Operations of the client's tools (seen: 1.5.47) and, in lower case, of the extensions' (documents)."""
STATUSES: Final = ("generating", "generated", "calling", "done", "errored", "canceled")
_ABOUT: Final = ("filepath", "file_path", "dirpath", "pattern", "query", "url", "description", "question", "name")
_FAILED: Final = re.compile(r"Error executing tool \w+: (?:Error \(exit code (\d{1,9})\): )?")
_NEVER_RAN: Final = re.compile(r"You must use the \w+ tool to read ")
_DENIED: Final = "Permission denied by user"
_STDERR: Final = "\nStderr: "
_TYPED: Final = "shell-"
_STEP: Final = re.compile(r"\s*[-*] \[([ xX])\] (.+)")
_MAX_STEPS: Final = 200
_ANSWERED: Final = re.compile(r'User (?:selected option \d+|provided custom answer|answered): "(.*)"\s*', re.S)


class Called(msgspec.Struct, frozen=True):
    """A tool call as it is now: its arguments, status and output."""

    call: OpenCall
    given: Fields
    status: str
    output: str
    cwd: str | None


def called(state: Fields, cwd: str | None) -> Called | None:
    """Returns a tool call of an answer; None without a usable id or name."""
    asked = fields_of(state.get("toolCall"))
    function = fields_of(asked.get("function"))
    call_id = usable_name(text_of(state.get("toolCallId")) or text_of(asked.get("id")))
    name = usable_name(text_of(function.get("name")))
    if call_id is None or name is None:
        return None
    given = fields_of(state.get("parsedArgs")) or fields_of(text_of(function.get("arguments")).encode())
    printed = (text_of(fields_of(raw).get("content")) for raw in items_of(state.get("output")))
    output = without_ansi("\n".join(filter(None, printed)))
    return Called(_opened(call_id, name, given, cwd), given, text_of(state.get("status")), output, cwd)


def events_of(found: Called) -> Iterator[tuple[str, AnyBody]]:
    """Yields a call, how it ended if it has, and what it did, each with the end of its event's key."""
    yield "call", found.call.as_event()
    question = text_of(found.given.get("question"))
    if found.call.op == "ask" and question:
        options = tuple(filter(None, map(text_of, items_of(found.given.get("options")))))
        yield "question", Question(call_id=found.call.id, text=question, options=options)
    outcome = _outcome(found)
    if outcome is None:
        return
    yield "result", found.call.ended(outcome)
    if outcome.status != "ok":
        return
    if found.call.op == "ask" and (answer := _ANSWERED.fullmatch(found.output)):
        yield "answer", Answer(call_id=found.call.id, question=question, text=answer[1])
    if found.call.op == "plan":
        yield "plan", PlanUpdate(items=_steps(text_of(found.given.get("checklist"))))
    for number, change in enumerate(_changes(found)):
        yield f"edit{number}", as_edit(change, found.call.id)


def _opened(call_id: str, name: str, given: Fields, cwd: str | None) -> OpenCall:
    op = OPS.get(name, "other")
    if op == "shell":
        call = OpenCall.of_command(call_id, name, text_of(given.get("command")), cwd)
        is_typed = call_id.startswith(_TYPED)
        return msgspec.structs.replace(call, actor="human" if is_typed else "model")
    about = first_text(given, *_ABOUT) or name
    return OpenCall(call_id, name, op, bounded(about, SUBJECT_CHARS), handoff=names_own_folder(about))


def _outcome(found: Called) -> ToolOutcome | None:
    """Returns how a call ended; None if it has not. A killed client leaves a call as it was."""
    text = found.output
    if found.status == "done":
        return ToolOutcome("ok", text.replace(_STDERR, "\n", 1) if found.call.op == "shell" else text)
    if found.status == "canceled":
        return ToolOutcome("denied" if text == _DENIED else "interrupted", text)
    if found.status != "errored":
        return None
    begins = _FAILED.match(text)
    exit_code = int(begins[1]) if begins is not None and begins[1] else None
    return ToolOutcome(
        "error", _FAILED.sub("", text, count=1), exit_code=exit_code, never_ran=_NEVER_RAN.match(text) is not None
    )


def _changes(found: Called) -> tuple[Change, ...]:
    """Returns what a call changed. The result of an edit holds the diff."""
    if found.call.op == "shell":
        return found.call.changes
    path = path_of(first_text(found.given, "filepath", "file_path"))
    if found.call.op not in ("edit", "write") or not path:
        return ()
    place = resolved(path, found.cwd)
    if place is None or len(place) > MAX_PATH_CHARS:
        return ()
    given = found.given
    if "contents" in given:
        given = {**given, "content": given.get("contents", rawjson.ABSENT)}
    hunks = hunks_in(found.output) if found.call.op == "edit" else []
    return (patched(Change(path=place, change="modify"), hunks) if hunks else planned(place, given),)


def _steps(checklist: str) -> tuple[PlanItem, ...]:
    found = [step for line in checklist.splitlines()[:_MAX_STEPS] if (step := _STEP.fullmatch(line)) is not None]
    return tuple(
        PlanItem(text=bounded(step[2].strip(), SHORT_CHARS), state="pending" if step[1] == " " else "done")
        for step in found
    )
