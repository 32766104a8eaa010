"""Codex's tool calls: what each does and was asked to do, how it ended, and what its success changed.

Several records may say how a call ended; the first one counts.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec.structs import replace

from carryover.adapter.contract import ToolOutcome
from carryover.agents.codex import commands as script_parts
from carryover.agents.codex.commands import commands_in, joined, shown_input, told_in, workdir_in
from carryover.agents.codex.outcomes import BODY, HEAD, HEAD_CHARS, ended, of_command, read_output
from carryover.agents.codex.rollout import OpenRolloutCall, Rollout
from carryover.model import Answer, BackgroundTask, FileEdit, PlanUpdate
from carryover.records import rawjson
from carryover.records.asked import Asked, asked_in, plan_items
from carryover.records.fields import SHORT_CHARS, SUBJECT_CHARS, bounded, digest, resolved, subject_of
from carryover.records.lenient import Fields, fields_of, first_text, is_true, items_of, number_of, text_of
from carryover.records.patches import added, in_patch, modified, patched_path, reported
from carryover.records.text import names_own_folder, without_ansi
from carryover.records.uris import path_of
from carryover.text.pattern import later
from carryover.transcript.open_calls import known_call, started, with_changed
from carryover.transcript.recorder import Tools, all_texts, usable_folder, usable_name

PATCH: Final = "apply_patch"
WRITE: Final = "write_stdin"
WAIT: Final = "wait"
CODE_MODE: Final = "exec"
"""The only tool of code mode (gpt-6 models, 0.169): a script, whose commands and patches have separate records."""
_NOTE: Final = "user_note: "
"""Before what the user typed in place of an answer, or beside one (source of 0.99 to 0.171)."""
TOOLS: Final = Tools(
    {
        "shell": "exec_command shell local_shell shell_command container.exec unified_exec",
        "read": "view_image read_file",
        "search": "list_dir grep_files",
        "agent": "spawn_agent send_input resume_agent wait wait_agent close_agent",
        "edit": PATCH,
        "plan": "update_plan",
        "ask": "request_user_input request_user_input_async",
    }
)
_MOST_CHANGES: Final = 50
_SCRIPT_FLAGS: Final = frozenset(("-c", "-lc", "-Command", "/c"))
_PATCHED: Final = "{}"
"""What `apply_patch` returns to a script (0.145)."""
_OF_SCRIPT: Final = "exec-"
"""Prefix of the id of a command (0.169) or patch (0.145) that a code mode script ran."""
_PATCH_FAILED: Final = "apply_patch verification failed"
_FAILED_IN: Final = later(r" in ((?:/|[A-Za-z]:[\\/])[^\n]{1,1000}?):?$", re.MULTILINE)
_HANDED: Final = later(
    r"\s*(?:cd\s+(?P<folder>'[^'\n]*'|\"[^\"\n$`]*\"|[^\s;&|$`'\"*?~]+)\s*&&\s*)?"
    r"apply_?patch\s+<<-?\s*(?P<quote>['\"]?)(?P<end>\w+)(?P=quote)\s*"
    r"(?P<patch>\*\*\* Begin Patch.*\n\*\*\* End Patch)(?:\s*\n(?P=end))?\s*",
    re.DOTALL,
)
"""A command that only passes a patch to `apply_patch` (0.34 and later), which the client intercepts (0.169). The line
that ends the patch may be missing: the shell warns, and passes it on (0.34)."""

_COMMAND_LINES: Final = later(r"\ACommand: .*?\n(?=Chunk ID: \w+\nWall time: )", re.DOTALL)
"""The command, which may have several lines, before the header of its output (0.115)."""
_CTRL_C: Final = "^C"
"""The last output of a process that the agent stopped with Ctrl-C. A server may then exit with 1 (0.105)."""
_GONE: Final = "write_stdin failed: Unknown process id"
"""The whole output, with the number, where the process has ended unseen (0.140)."""


def handle_call(rollout: Rollout) -> None:
    """Handles a tool call, and emits any question to the user with it."""
    name, namespace = rollout.text("name"), rollout.text("namespace")
    if name and namespace.startswith("mcp__"):
        name = f"{namespace}__{name}"
    ident = rollout.text("call_id") or rollout.text("id")
    if not rollout.identify(rollout.name, ident, name):
        return
    is_custom = "input" in rollout.data
    text = rawjson.string_of(rollout.data.get("input", rollout.data.get("arguments", rawjson.ABSENT)))
    if text is None:
        rollout.skip(f"{rollout.name}/{name}", "unexpected input")
        text = ""
    given = fields_of(text.encode("utf-8", "replace"))
    if name == PATCH:
        # A function's argument (0.22 to 0.29), or a custom tool's whole input.
        call = _patch(ident, in_patch(text if is_custom else first_text(given, "input"), rollout.cwd))
    elif is_custom and name == CODE_MODE:
        call = _script(rollout, ident, text.strip())
    elif TOOLS.op(name) == "shell":
        call = _shell(rollout, ident, name, given)
    else:
        call = _other(ident, name, given)
    if name == WRITE:
        call = replace(call, subject=_typed(rollout, call.process, text_of(given.get("chars"))))
    _open(rollout, call, asked_in(given.get("questions")) if call.op == "ask" else ())


def handle_output(rollout: Rollout) -> None:
    """Handles the output of a call, which shows how it ended unless another record already has."""
    text = rawjson.content_text(rollout.data.get("output", rawjson.ABSENT))
    if rollout.call_id is None or text is None:
        rollout.skip(rollout.name, "unexpected output")
        return
    call = known_call(rollout.context.calls, rollout.call_id)
    if call is None:
        return
    text = _COMMAND_LINES.sub("", text)
    outcome = read_output(call.op, text)
    head = HEAD.match(without_ansi(text[:HEAD_CHARS]))
    if head is not None and head["process"] and call.op == "shell":
        # The call stays open: its result comes when the process ends.
        _print(rollout, replace(call, process=head["process"]), outcome.output)
        rollout.at_turn(call.turn)
        label = bounded(call.subject, SHORT_CHARS)
        task = BackgroundTask(task_id=call.id, state="running", label=label, unreported=True)
        rollout.add(task, f"{call.id}:running")
    elif call.name == WRITE:
        # What the process printed, and how it ended, is reported with the call that started it.
        exited = head is not None and head["code"] is not None
        _finish(rollout, call, ToolOutcome("ok") if exited or outcome.status in ("ok", "unknown") else outcome)
        first = started(rollout.context.calls, call.process)
        if outcome.status == "error" and outcome.output.rstrip().endswith(_CTRL_C):
            outcome = replace(outcome, status="interrupted", exit_code=None)
        if first is not None and exited:
            _finish(rollout, first, replace(outcome, output=joined(first.printed, outcome.output)))
        elif first is not None and text.startswith(_GONE):
            _finish(rollout, first, ToolOutcome("unknown", first.printed))
        elif first is not None and head is not None:
            _print(rollout, first, outcome.output)
    elif outcome.status == "interrupted" and call.escalated:
        # Refusing what the client asks for ends the turn, and is written down as an interrupt would be (0.169).
        _finish(rollout, call, ToolOutcome("denied", outcome.output, never_ran=True))
    elif call.name == CODE_MODE and (cell := script_parts.cell_in(text)):
        rollout.change(calls=with_changed(rollout.context.calls, call.id, process=cell))
    elif call.name == CODE_MODE:
        _finish(rollout, *_of_script(rollout, call, outcome))
    elif call.name == WAIT and call.process is not None:
        _finish(rollout, replace(call, process=None), ToolOutcome("ok"))
        scripts = (one for one in reversed(rollout.context.calls) if one.process == call.process)
        if (script := next(scripts, None)) is not None and not script_parts.cell_in(text):
            _finish(rollout, *_of_script(rollout, replace(script, process=None), read_output(script.op, text)))
    else:
        _finish(rollout, call, outcome)


def _print(rollout: Rollout, call: OpenRolloutCall, piece: str) -> None:
    """Adds to what the process of an open call has printed."""
    printed = joined(call.printed, piece)
    rollout.change(calls=with_changed(rollout.context.calls, call.id, printed=printed, process=call.process))


def _typed(rollout: Rollout, process: str | None, chars: str) -> str:
    """Returns what is typed into a process as it may be shown. Nothing if other input has not been answered yet."""
    first = started(rollout.context.calls, process)
    if first is None or not chars:
        return ""
    # Whatever was asked is answered now.
    _print(rollout, first, "" if first.printed.endswith("\n") else "\n")
    waits = any(call.name == WRITE and call.process == process for call in rollout.context.calls)
    return "" if waits else shown_input(chars, first.printed)


def _of_script(rollout: Rollout, call: OpenRolloutCall, outcome: ToolOutcome) -> tuple[OpenRolloutCall, ToolOutcome]:
    """Determines how a code mode script ended, which may print the whole result of its only command (0.146)."""
    if outcome.status == "error" and _PATCH_FAILED in outcome.output:
        found = _FAILED_IN.search(outcome.output)
        return replace(call, name=PATCH, op="edit", subject=found[1] if found else ""), outcome
    if outcome.status != "ok":
        return call, (of_command(outcome.output) if call.op == "shell" else None) or outcome
    if rollout.context.family != "legacy" or rollout.context.records_commands:
        return replace(call, op="other", subject="" if call.told else call.subject, changes=()), ToolOutcome("ok")
    printed = script_parts.printed_by(outcome.output.partition(BODY)[2].strip("\n"))
    if call.op != "shell":
        printed = "" if printed == _PATCHED else script_parts.output_in(printed)
        return replace(call, subject="" if call.told and not printed else call.subject), ToolOutcome("ok", printed)
    return call, of_command(printed) or ToolOutcome("unknown", script_parts.output_in(printed))


def handle_command(rollout: Rollout) -> None:
    """Handles the client's own record of a finished command: `CommandExecution` or `exec_command_end`.

    In code mode, and for the user's `!command`, it is also the only record of the call. It may come long after the turn
    that the command belongs to.
    """
    ident, source = _unended(rollout), rollout.text("source")
    # `write_stdin` on a process is not a separate command.
    if ident is None or source == "unified_exec_interaction":
        return
    if ident.startswith(_OF_SCRIPT):
        rollout.change(records_commands=True)
    call = known_call(rollout.context.calls, ident)
    if call is None:
        cwd = usable_folder(path_of(rollout.text("cwd"))) or rollout.cwd  # a URL in `CommandExecution`
        call = _command(ident, "exec_command", _command_in(rollout.data.get("command", rawjson.ABSENT)), cwd)
        call = _open(rollout, call.by_user() if source == "user_shell" else call)
    output = without_ansi(rollout.text("aggregated_output"))
    _finish(rollout, call, ended(number_of(rollout.data.get("exit_code")), output, rollout.text("status")))


def handle_file_change(rollout: Rollout) -> None:
    """Handles the client's own record of a patch (`FileChange`, `patch_apply_end`): its changes, with absolute
    paths."""
    if (ident := _unended(rollout)) is None:
        return
    recorded = sorted(fields_of(rollout.data.get("changes")).items())
    made = (_made(path, fields_of(detail), rollout.cwd) for path, detail in recorded)
    changes = tuple(change for change in made if change is not None)
    call = known_call(rollout.context.calls, ident) or _open(rollout, _patch(ident, changes))
    # A file that the patch deletes and adds is reported as added (0.140).
    existed = {change.path for change in call.changes if change.change == "modify"}
    again = [change for change in changes if change.change == "add" and change.path in existed]
    changes = tuple(modified(change) if change in again else change for change in changes)
    printed = "\n".join(filter(None, (rollout.text("stdout"), rollout.text("stderr"))))
    _finish(rollout, replace(call, op="edit", changes=changes), ended(None, printed, rollout.text("status")))


def _unended(rollout: Rollout) -> str | None:
    """Returns the id of the call that a record of the client ends, and selects its turn; None if it has ended or the id
    is unusable."""
    if rollout.call_id is None:
        rollout.skip(rollout.name, "no usable id")
    elif rollout.call_id not in rollout.context.closed:
        rollout.at_turn(rollout.text("turn_id"))
        return rollout.call_id
    return None


def handle_web_search(rollout: Rollout) -> None:
    """Handles a search run by the model's provider, which is finished when it is recorded."""
    about = first_text(fields_of(rollout.data.get("action")), "query", "url")  # reported, not in a recording
    call = OpenRolloutCall(rollout.call_id or f"web_search/{rollout.at_ms}", "web_search", "web", about)
    _finish(rollout, _open(rollout, call), ToolOutcome("ok"))


def _open(rollout: Rollout, call: OpenRolloutCall, asked: Iterable[Asked] = ()) -> OpenRolloutCall:
    """Adds a call and keeps it open until its result comes."""
    call = replace(call, turn=rollout.turn.id, subject=subject_of(call.op, call.subject))
    rollout.begin_call(call, f"{call.id}:call", (*asked,), question=f"{call.id}:question")
    rollout.change(closed=tuple(other for other in rollout.context.closed if other != call.id))
    return call


def _patch(ident: str, changes: tuple[FileEdit, ...]) -> OpenRolloutCall:
    """Returns a call that applies a patch; preferably, a file that existed before stands for it."""
    edited = [change for change in changes if change.change in ("modify", "rename")]
    first = next(iter(edited or changes), None)
    about = (first.old_path or first.path) if first is not None else ""
    return OpenRolloutCall(
        ident, PATCH, "edit", about, changes=changes[:_MOST_CHANGES], handoff=names_own_folder(about)
    )


def _command(ident: str, name: str, command: str, cwd: str | None) -> OpenRolloutCall:
    handed = _HANDED.fullmatch(command) if command.count("*** Begin Patch") == 1 else None
    if handed is None:
        return OpenRolloutCall.of_command(ident, name, command, cwd)
    folder = handed["folder"]
    return _patch(ident, in_patch(handed["patch"], resolved(folder.strip("'\""), cwd) if folder else cwd))


def _shell(rollout: Rollout, ident: str, name: str, given: Fields) -> OpenRolloutCall:
    raw = given.get("cmd", given.get("command", rawjson.ABSENT))
    place = text_of(given.get("workdir"))
    if rollout.context.cwd is None:
        rollout.move_to(usable_folder(place))  # before 0.22 nothing else names a folder
    cwd = resolved(place, rollout.cwd) if place else rollout.cwd
    argv = rawjson.part_of(raw, list[str]) or []
    if argv[:1] == [PATCH] and len(argv) == 2:  # 0.48, 0.53
        return _patch(ident, in_patch(argv[1], cwd))
    call = _command(ident, name, _command_in(raw), cwd)
    asked = is_true(given.get("with_escalated_permissions"))  # as 0.53 to 0.66 name it
    return replace(call, escalated=asked or first_text(given, "sandbox_permissions") == "require_escalated")


def _script(rollout: Rollout, ident: str, script: str) -> OpenRolloutCall:
    """Returns the call of a code mode script, read as its commands if the client (before 0.150) doesn't record them."""
    commands, recorded = commands_in(script), rollout.context.family != "legacy"
    told = told_in(script, commands, recorded=recorded)
    if recorded or not commands:
        about, own = told or script, names_own_folder(script)
        plan = plan_items(script_parts.plan_in(script), "step")
        return OpenRolloutCall(ident, CODE_MODE, "other", about, plan=plan, handoff=own, told=told != "")
    place = workdir_in(script)
    call = _command(ident, CODE_MODE, "\n".join(commands), resolved(place, rollout.cwd) if place else rollout.cwd)
    is_whole = len(commands) == 1 and "${" not in commands[0]
    return replace(call, changes=call.changes if is_whole else (), told=told != "")


def _other(ident: str, name: str, given: Fields) -> OpenRolloutCall:
    op = TOOLS.op(name)
    about = first_text(given, "path", "file_path", "dir_path", "pattern", "query", "url", "message")
    about = about or (bounded(all_texts(given), SUBJECT_CHARS) if name.startswith("mcp__") else "")
    asked = asked_in(given.get("questions")) if op == "ask" else []
    number = number_of(given.get("session_id"))  # some clients write it as a text
    process = str(number) if number is not None else text_of(given.get("session_id"))
    cell = first_text(given, "cell_id") if name == WAIT else ""
    return OpenRolloutCall(
        id=ident,
        name=name,
        op=op,
        subject=about or next((one.question for one in asked), ""),
        plan=plan_items(given.get("plan"), "step") if name == "update_plan" else (),
        asked=tuple(Asked(bounded(one.question, SUBJECT_CHARS), bounded(one.id, SHORT_CHARS)) for one in asked),
        process=usable_name(process if name == WRITE else cell and f"cell-{cell}"),
        handoff=names_own_folder(about),
    )


def _command_in(raw: msgspec.Raw) -> str:
    """Returns a command: a text, the script that a shell is started with (`["/bin/bash", "-lc", script]`), or a line.

    Empty if it is none of these.
    """
    command = rawjson.part_of(raw, list[str])
    if not command:
        return text_of(raw)
    return command[-1] if len(command) >= 3 and command[-2] in _SCRIPT_FLAGS else shlex.join(command)


def _made(path: str, detail: Fields, cwd: str | None) -> FileEdit | None:
    """Returns the change to one file that the client reports; None if it can't be placed."""
    kind, diff, moved = (text_of(detail.get(name)) for name in ("type", "unified_diff", "move_path"))
    if kind == "add":
        place = patched_path(path, cwd)
        return added(place, text_of(detail.get("content"))) if place is not None else None
    return reported(path, kind, diff, moved, cwd) if kind in ("delete", "update") else None


def _finish(rollout: Rollout, call: OpenRolloutCall, outcome: ToolOutcome) -> None:
    """Adds the result of a call and its effects."""
    rollout.close(call)
    rollout.end_call(call, outcome, result=f"{call.id}:result", changes=())
    if call.process is not None and call.op == "shell":
        # How it ended is in its result: a failed job would count a second time.
        has_ended = outcome.status in ("ok", "error")
        rollout.add(BackgroundTask(task_id=call.id, state="done" if has_ended else "stopped"), f"{call.id}:ended")
    if outcome.status != "ok":
        return
    for change in call.changes:
        if not names_own_folder(change.path):
            rollout.add(msgspec.structs.replace(change, call_id=call.id), f"{call.id}:edit/{digest(change.path)}")
    if call.plan:
        rollout.add(PlanUpdate(items=call.plan), f"{call.id}:plan")
    given = fields_of(fields_of(outcome.output.encode("utf-8", "replace")).get("answers")) if call.asked else {}
    for number, asked in enumerate(call.asked):
        said = map(text_of, items_of(fields_of(given.get(asked.id)).get("answers")))
        if text := ", ".join(one.removeprefix(_NOTE) for one in said):
            rollout.add(Answer(call_id=call.id, question=asked.question, text=text), f"{call.id}:answer{number}")
