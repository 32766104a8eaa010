"""Tool results: of the records in a family that tell how a call ended, the first one counts."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from carryover.adapter.event_builder import closed, usable_folder, usable_name
from carryover.agents.codex import commands, wire
from carryover.agents.codex.builder import MAX_CLOSED_CALLS, Builder, OpenCall
from carryover.agents.codex.commands import Outcome, ended, read_output
from carryover.agents.codex.tools import CODE_MODE, PATCH, open_call, patch_call, shell_call
from carryover.model import Answer, BackgroundTask, PlanUpdate
from carryover.records import rawjson
from carryover.records.changes import as_edit
from carryover.records.fields import SHORT_CHARS, bounded, digest
from carryover.records.lenient import fields_of, items_of, text_of
from carryover.records.text import names_own_folder, without_ansi

_INTERACTION: Final = "unified_exec_interaction"
"""`write_stdin` on a process is not a separate command."""
_PATCH_FAILED: Final = "apply_patch verification failed"
_OF_SCRIPT: Final = "exec-"
"""Prefix of the id of a command that a code mode script ran (0.169)."""
_FAILED_IN: Final = re.compile(r" in (/[^\n]{1,1000}?):?$", re.MULTILINE)


def parse_output(builder: Builder, kind: str, output: wire.Output) -> None:
    """Handles the output of a call, which tells how it ended unless a separate record already has."""
    text = rawjson.text_of(output.output)
    if not usable_name(output.call_id) or text is None:
        builder.skip(kind, "unexpected output" if output.call_id else "no call_id")
        return
    call = _open(builder, output.call_id)
    if call is None:
        return
    outcome = read_output(call.op, text)
    if call.name == "write_stdin":
        # What the process printed, and how it ended, is reported with the call that started it.
        is_told = outcome.exited or outcome.status in ("ok", "unknown")
        _finish(builder, call, Outcome("ok") if is_told else outcome)
        _end_process(builder, call.process, outcome)
    elif outcome.process is not None and call.op == "shell":
        _leave_running(builder, call, outcome.process)
    elif outcome.status == "interrupted" and call.escalated:
        # Refusing what the client asks for ends the turn, and is written down as an interrupt would be (0.169).
        _finish(builder, call, Outcome("denied", outcome.output, never_ran=True))
    elif call.name == CODE_MODE and outcome.status == "error" and _PATCH_FAILED in outcome.output:
        _finish(builder, _failed_patch(call, outcome.output), outcome)
    elif call.name == CODE_MODE and outcome.status == "ok":
        _finish(builder, *_of_script(builder, call, outcome.output))
    else:
        _finish(builder, call, outcome)


def parse_command(builder: Builder, command: wire.Command) -> None:
    """Handles the client's own record of a finished command.

    In code mode, and for the user's `!command`, it is also the only record of the call. It may come long after the turn
    that the command belongs to.
    """
    call_id = command.id or command.call_id
    if not usable_name(call_id) or call_id is None:
        builder.skip("command", "no usable id")
        return
    if command.source == _INTERACTION or call_id in builder.context.closed:
        return
    builder.at_turn(command.turn_id)
    call = _open(builder, call_id)
    if call is None:
        place = usable_folder(commands.local_path(command.cwd)) or builder.cwd
        call = shell_call(call_id, "exec_command", commands.script_of(command.command), place)
        if command.source == "user_shell":
            call = msgspec.structs.replace(call, actor="human", changes=())
        open_call(builder, call)
        call = _open(builder, call_id) or call
    output = without_ansi(rawjson.string_of(command.aggregated_output) or "")
    _finish(builder, call, ended(wire.whole_number(command.exit_code), output, command.status))


def parse_file_change(builder: Builder, change: wire.FileChange) -> None:
    """Handles the client's own record of a patch: its changes in full, with absolute paths."""
    call_id = change.id or change.call_id
    if not usable_name(call_id) or call_id is None:
        builder.skip("file change", "no usable id")
        return
    if call_id in builder.context.closed:
        return
    builder.at_turn(change.turn_id)
    changes = commands.in_account(change.changes, builder.cwd)
    call = _open(builder, call_id)
    if call is None:
        open_call(builder, patch_call(call_id, PATCH, changes))
        call = _open(builder, call_id) or patch_call(call_id, PATCH, changes)
    printed = (rawjson.string_of(change.stdout), rawjson.string_of(change.stderr))
    outcome = ended(None, "\n".join(part for part in printed if part), change.status)
    _finish(builder, msgspec.structs.replace(call, op="edit", changes=changes), outcome)


def parse_web_search(builder: Builder, call: wire.Call) -> None:
    """Handles a search run by the model's provider, which is finished when it is recorded."""
    action = fields_of(call.action)  # reported, not in a recording
    about = text_of(action.get("query")) or text_of(action.get("url"))
    call_id = usable_name(call.id) or f"web_search/{builder.at_ms}"
    open_call(builder, OpenCall(id=call_id, name="web_search", op="web", subject=about))
    opened = _open(builder, call_id)
    if opened is not None:
        _finish(builder, opened, Outcome("ok"))


def _open(builder: Builder, call_id: str | None) -> OpenCall | None:
    return next((call for call in builder.context.calls if call.id == call_id), None)


def _failed_patch(call: OpenCall, output: str) -> OpenCall:
    """Returns a code mode script that failed at a patch, as a call of that patch."""
    found = _FAILED_IN.search(output)
    return msgspec.structs.replace(call, name=PATCH, op="edit", subject=found[1] if found else "")


class Ran(msgspec.Struct, frozen=True):
    """The result of `tools.exec_command`, which a code mode script may print in full (0.146)."""

    exit_code: int
    output: str = ""


def _of_script(builder: Builder, call: OpenCall, output: str) -> tuple[OpenCall, Outcome]:
    """Returns a successful code mode script as a call with its outcome.

    If the client records the script's commands, those records hold the output.
    """
    if call.op != "shell" or any(known.startswith(_OF_SCRIPT) for known in builder.context.closed):
        return msgspec.structs.replace(call, op="other", changes=()), Outcome("ok")
    printed = output.partition("\nOutput:\n")[2].strip("\n")
    ran = rawjson.part_of(msgspec.Raw(printed.encode("utf-8", "replace")), Ran)
    return call, Outcome("unknown", printed) if ran is None else ended(ran.exit_code, without_ansi(ran.output))


def _leave_running(builder: Builder, call: OpenCall, process: str) -> None:
    """Keeps the call open: its result comes when the process ends."""
    running = msgspec.structs.replace(call, process=process)
    builder.change(calls=tuple(running if other.id == call.id else other for other in builder.context.calls))
    builder.at_turn(call.turn)
    task = BackgroundTask(task_id=call.id, state="running", label=bounded(call.subject, SHORT_CHARS))
    builder.add_of_call(task, "running", call.id)


def _end_process(builder: Builder, process: str | None, outcome: Outcome) -> None:
    """Ends the call whose process a status check found ended."""
    if process is None or not outcome.exited:
        return
    # The newest: a new client numbers from the start again, and what ran in the previous one ended unrecorded.
    calls = (call for call in reversed(builder.context.calls) if call.process == process and call.op == "shell")
    if (call := next(calls, None)) is not None:
        _finish(builder, call, outcome)


def _finish(builder: Builder, call: OpenCall, outcome: Outcome) -> None:
    """Adds the result of a call and its effects."""
    builder.change(
        calls=closed(builder.context.calls, call.id),
        closed=(*builder.context.closed, call.id)[-MAX_CLOSED_CALLS:],
    )
    builder.at_turn(call.turn)
    builder.add_of_call(call.ended(outcome), "result", call.id)
    if call.process is not None and call.op == "shell":
        # How it ended is in its result: a failed job would count a second time.
        state: Literal["done", "stopped"] = "done" if outcome.status in ("ok", "error") else "stopped"
        builder.add_of_call(BackgroundTask(task_id=call.id, state=state), "ended", call.id)
    if outcome.status == "ok":
        _add_what_followed(builder, call, outcome)


def _add_what_followed(builder: Builder, call: OpenCall, outcome: Outcome) -> None:
    for change in call.changes:
        if not names_own_folder(change.path):
            builder.add_of_call(as_edit(change, call.id), f"edit/{digest(change.path)}", call.id)
    if call.plan:
        builder.add_of_call(PlanUpdate(items=call.plan), "plan", call.id)
    if call.asked:
        given = fields_of(fields_of(outcome.output.encode("utf-8", "replace")).get("answers"))  # reported
        for number, asked in enumerate(call.asked):
            if text := ", ".join(map(text_of, items_of(fields_of(given.get(asked.id)).get("answers")))):
                answer = Answer(call_id=call.id, question=asked.question, text=text)
                builder.add_of_call(answer, f"answer{number}", call.id)
