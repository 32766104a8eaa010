"""Results of tool calls: the first record that says how a call ended counts, whichever of its family's it is."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from carryover.agents.codex import commands, patches, shell_patches, wire
from carryover.agents.codex.context import MAX_CLOSED_CALLS, OpenCall
from carryover.agents.codex.draft import Draft, folder, named
from carryover.agents.codex.outputs import Outcome, ended, read_output
from carryover.agents.codex.tools import CODE_MODE, PATCH, open_call, patch_call, shell_call
from carryover.model import Answer, BackgroundTask, PlanUpdate, ToolResult
from carryover.records import rawjson
from carryover.records.bounds import SHORT_CHARS, bounded
from carryover.records.changes import Change, as_edit
from carryover.records.identity import digest
from carryover.records.text import names_own_folder, without_ansi, without_handoff

_INTERACTION: Final = "unified_exec_interaction"
"""What `write_stdin` did to a process is no command of its own."""
_PATCH_FAILED: Final = "apply_patch verification failed"
_FAILED_IN: Final = re.compile(r" in (/[^\n]{1,1000}?):?$", re.MULTILINE)


class Answered(msgspec.Struct, frozen=True):
    answers: list[str] = msgspec.field(default_factory=list)


class Answers(msgspec.Struct, frozen=True):
    """Output of `request_user_input`; read about, in no recording."""

    answers: dict[str, Answered] = msgspec.field(default_factory=dict)


def fold_output(draft: Draft, kind: str, output: wire.Output) -> None:
    """The output of a call, which says how it ended where no record of its own has said so before."""
    text = rawjson.text_of(output.output)
    if not named(output.call_id) or text is None:
        draft.skip(kind, "unexpected output" if output.call_id else "no call_id")
        return
    call = _open(draft, output.call_id)
    if call is None:
        return
    outcome = read_output(call.op, text)
    if call.name == "write_stdin":
        # What the process printed, and how it ended, is told with the call that started it.
        is_told = outcome.exited or outcome.status in ("ok", "unknown")
        _finish(draft, call, Outcome("ok") if is_told else outcome)
        _end_process(draft, call.process, outcome)
    elif outcome.process is not None and call.op == "shell":
        _leave_running(draft, call, outcome.process)
    elif outcome.status == "interrupted" and call.escalated:
        # Refusing what the client asks for ends the turn, and is written down as an interrupt would be (0.169).
        _finish(draft, call, Outcome("denied", outcome.output, never_ran=True))
    elif call.name == CODE_MODE and outcome.status == "error" and _PATCH_FAILED in outcome.output:
        _finish(draft, _failed_patch(call, outcome.output), outcome)
    elif call.name == CODE_MODE and outcome.status == "ok":
        # What its commands printed is told with them.
        _finish(draft, call, Outcome("ok"))
    else:
        _finish(draft, call, outcome)


def fold_command(draft: Draft, command: wire.Command) -> None:
    """The client's own record of a command that ended. In code mode, and for the user's `!command`, it is the call too.

    It may come long after the turn that the command belongs to.
    """
    call_id = command.id or command.call_id
    if not named(call_id) or call_id is None:
        draft.skip("command", "no usable id")
        return
    if command.source == _INTERACTION or call_id in draft.context.closed:
        return
    draft.at_turn(command.turn_id)
    call = _open(draft, call_id)
    if call is None:
        place = folder(commands.local_path(command.cwd)) or draft.cwd
        call = shell_call(call_id, "exec_command", commands.script_of(command.command), place)
        if command.source == "user_shell":
            call = msgspec.structs.replace(call, actor="human", changes=())
        open_call(draft, call)
        call = _open(draft, call_id) or call
    output = without_ansi(rawjson.string_of(command.aggregated_output) or "")
    _finish(draft, call, ended(wire.whole_number(command.exit_code), output, command.status))


def fold_file_change(draft: Draft, change: wire.FileChange) -> None:
    """The client's own record of a patch: what it changed, in full and by absolute paths."""
    call_id = change.id or change.call_id
    if not named(call_id) or call_id is None:
        draft.skip("file change", "no usable id")
        return
    if call_id in draft.context.closed:
        return
    draft.at_turn(change.turn_id)
    changes = patches.in_account(change.changes, draft.cwd)
    call = _open(draft, call_id)
    if call is None:
        open_call(draft, patch_call(call_id, PATCH, changes))
        call = _open(draft, call_id) or patch_call(call_id, PATCH, changes)
    printed = (rawjson.string_of(change.stdout), rawjson.string_of(change.stderr))
    outcome = ended(None, "\n".join(part for part in printed if part), change.status)
    _finish(draft, msgspec.structs.replace(call, op="edit", changes=changes), outcome)


def fold_web_search(draft: Draft, call: wire.Call) -> None:
    """A search that the model's provider ran: it is done when it is told of."""
    found = rawjson.part_of(call.action, Searched) or Searched()
    call_id = named(call.id) or f"web_search/{draft.at_ms}"
    open_call(draft, OpenCall(id=call_id, name="web_search", op="web", subject=found.query or found.url or ""))
    opened = _open(draft, call_id)
    if opened is not None:
        _finish(draft, opened, Outcome("ok"))


class Searched(msgspec.Struct, frozen=True):
    """`action` of `web_search_call`; read about, in no recording."""

    query: str | None = None
    url: str | None = None


def _open(draft: Draft, call_id: str | None) -> OpenCall | None:
    return next((call for call in draft.context.calls if call.id == call_id), None)


def _failed_patch(call: OpenCall, output: str) -> OpenCall:
    """A script of code mode that failed at a patch, as a call of that patch."""
    found = _FAILED_IN.search(output)
    return msgspec.structs.replace(call, name=PATCH, op="edit", subject=found[1] if found else "")


def _leave_running(draft: Draft, call: OpenCall, process: str) -> None:
    """The call runs on, and its result comes when the process ends."""
    running = msgspec.structs.replace(call, process=process)
    draft.change(calls=tuple(running if other.id == call.id else other for other in draft.context.calls))
    draft.at_turn(call.turn)
    task = BackgroundTask(task_id=call.id, state="running", label=bounded(call.subject, SHORT_CHARS))
    draft.add_of_call(task, "running", call.id)


def _end_process(draft: Draft, process: str | None, outcome: Outcome) -> None:
    """A look at a running process found that it has ended."""
    if process is None or not outcome.exited:
        return
    # The newest: a client that starts anew counts anew, and what ran on in the one before has ended unheard.
    calls = (call for call in reversed(draft.context.calls) if call.process == process and call.op == "shell")
    if (call := next(calls, None)) is not None:
        _finish(draft, call, outcome)


def _finish(draft: Draft, call: OpenCall, outcome: Outcome) -> None:
    """The result of a call, and what follows from it."""
    draft.change(
        calls=tuple(other for other in draft.context.calls if other.id != call.id),
        closed=(*draft.context.closed, call.id)[-MAX_CLOSED_CALLS:],
    )
    draft.at_turn(call.turn)
    draft.add_of_call(
        ToolResult(
            call_id=call.id,
            name=call.name,
            op=call.op,
            status=outcome.status,
            subject=call.subject,
            exit_code=outcome.exit_code,
            output="" if call.handoff else without_handoff(outcome.output),
            never_ran=outcome.never_ran,
            actor=call.actor,
        ),
        "result",
        call.id,
    )
    if call.process is not None and call.op == "shell":
        # How it ended is in its result: a failed job would count a second time.
        state: Literal["done", "stopped"] = "done" if outcome.status in ("ok", "error") else "stopped"
        draft.add_of_call(BackgroundTask(task_id=call.id, state=state), "ended", call.id)
    if outcome.status == "ok":
        _add_what_followed(draft, call, outcome)


def _add_what_followed(draft: Draft, call: OpenCall, outcome: Outcome) -> None:
    for change in shell_patches.confirmed(call.changes, outcome.output) if call.told else call.changes:
        if not _is_own(change):
            draft.add_of_call(as_edit(change, call.id), f"edit/{digest(change.path)}", call.id)
    if call.plan:
        draft.add_of_call(PlanUpdate(items=call.plan), "plan", call.id)
    if call.asked:
        given = rawjson.part_of(msgspec.Raw(outcome.output.encode("utf-8", "replace")), Answers) or Answers()
        for number, asked in enumerate(call.asked):
            text = ", ".join(given.answers[asked.id].answers) if asked.id in given.answers else ""
            if text:
                answer = Answer(call_id=call.id, question=asked.text, text=text)
                draft.add_of_call(answer, f"answer{number}", call.id)


def _is_own(change: Change) -> bool:
    return names_own_folder(change.path)
