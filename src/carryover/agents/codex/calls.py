"""Tool calls: what each does and was asked to do, how it ended, and what its success changed.

Several records may say how a call ended; the first one counts.
"""

from __future__ import annotations

import re
import shlex
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import closed, opened, usable_folder, usable_name
from carryover.agents.codex.builder import Builder, OpenCall
from carryover.model import Answer, BackgroundTask, Op, PlanUpdate, ResultStatus
from carryover.records import rawjson
from carryover.records.asked import Asked, asked_in, plan_items
from carryover.records.changes import Change, as_edit, hunks_in, patched
from carryover.records.fields import SHORT_CHARS, SUBJECT_CHARS, bounded, digest, resolved
from carryover.records.lenient import Fields, fields_of, first_text, items_of, number_of, text_of
from carryover.records.patches import added, in_patch, place_of, renamed
from carryover.records.text import names_own_folder, without_ansi
from carryover.records.uris import path_of

PATCH: Final = "apply_patch"
CODE_MODE: Final = "exec"
"""The only tool of code mode (gpt-6 models, 0.169): a script, whose commands and patches have separate records."""
_TOOLS: Final[dict[Op, str]] = {
    "shell": "exec_command shell local_shell shell_command container.exec unified_exec",
    "read": "view_image read_file",
    "search": "list_dir grep_files",
    "agent": "spawn_agent send_input resume_agent wait wait_agent close_agent",
    "edit": PATCH,
    "plan": "update_plan",
    "ask": "request_user_input",
}
OPS: Final = {tool: op for op, tools in _TOOLS.items() for tool in tools.split()}
"""Operations of the known tools. Others: `other`."""

_MAX_OPEN_CALLS: Final = 50
_MAX_CLOSED_CALLS: Final = 200
_MAX_CHANGES: Final = 50
_SCRIPT_FLAGS: Final = frozenset(("-c", "-lc", "-Command", "/c"))
_TEXT: Final = r'"?\s*:\s*("(?:[^"\\]|\\.)*")'
_COMMAND: Final = re.compile(r"tools\.exec_command\(\{(?:[^`]*?[\s,{])?\"?cmd" + _TEXT, re.DOTALL)
_WORKDIR: Final = re.compile(r"\bworkdir" + _TEXT)
"""The arguments of a command in a code mode script, which need not be JSON (0.145, 0.146)."""
_OF_SCRIPT: Final = "exec-"
"""Prefix of the id of a command that a code mode script ran (0.169)."""
_PATCH_FAILED: Final = "apply_patch verification failed"
_FAILED_IN: Final = re.compile(r" in (/[^\n]{1,1000}?):?$", re.MULTILINE)
_HANDED: Final = re.compile(
    r"\s*(?:cd\s+(?P<folder>'[^'\n]*'|\"[^\"\n$`]*\"|[^\s;&|$`'\"*?~]+)\s*&&\s*)?"
    r"apply_?patch\s+<<-?\s*(?P<quote>['\"]?)(?P<end>\w+)(?P=quote)\s*"
    r"(?P<patch>\*\*\* Begin Patch.*\n\*\*\* End Patch)\s*\n(?P=end)\s*",
    re.DOTALL,
)
"""A command that only passes a patch to `apply_patch` (0.34 and later), which the client intercepts (0.169)."""

_HEAD: Final = re.compile(
    r"(?:Chunk ID: .*\n)?(?:Wall time: .*\n)?"
    r"(?:Process exited with code (?P<code>-?\d{1,10})|Process running with session ID (?P<process>\w{1,40}))\b"
)
_EXIT_CODE: Final = re.compile(r"Exit code: (-?\d{1,10})\b")
_BODY: Final = "\nOutput:\n"
_HEAD_CHARS: Final = 400
_ABORTED: Final = re.compile(r"(?:Wall time: [\d.]{1,12} seconds\n)?aborted by user(?: after [\d.]{1,12}s)?\s*")
_REFUSED: Final = ("exec command rejected by user", "patch rejected by user", "rejected by user")
"""The whole output of a refused command or patch, without the header that the client puts before what was printed."""
_REJECTED: Final = re.compile(
    r"exec_command failed(?: for `.*`)?: CreateProcess \{ message: \"Rejected\(\\\"rejected by user\\\"\)\" \}",
    re.DOTALL,
)
"""The whole output of a refused `exec_command` (0.105; later with the command). What a command printed has a header
before it, or stands in such a message with its quotes escaped twice."""
_NEVER_RAN: Final = ("unsupported call: ", "unsupported custom tool call: ", "failed to parse function arguments")
_FAILED: Final = re.compile(r"(?:apply_patch verification|Script|exec_command|write_stdin) failed|execution error")
_IN_SANDBOX: Final = re.compile(r"failed in sandbox[^:]*: (?:sandbox denied [^:]*exit code: (-?\d{1,10}), stdout: )?")
"""Precedes a command's output if the client suspects its sandbox (0.34 to 0.47)."""
_PATCH_ERROR: Final = "error: "
"""Precedes a reason that later clients append to `apply_patch verification failed` (0.34, 0.48)."""
_SCRIPT_ERROR: Final = "Script error:\n"
"""Heading of the reason if a code mode script failed (0.169)."""
_WORKED: Final = ("Success. Updated the following files:", "Script completed", "Plan updated")
_SURE: Final[frozenset[Op]] = frozenset(("read", "search", "web", "agent", "ask"))
_KILLED: Final = -1


def parse_call(builder: Builder) -> None:
    """Handles a tool call, and emits any question to the user with it."""
    name = builder.text("name")
    namespace = builder.text("namespace")
    if name and namespace.startswith("mcp__"):
        name = f"{namespace}__{name}"
    call_id = builder.call_id
    if call_id is None or not usable_name(name):
        builder.skip(builder.name, "no usable id or name")
        return
    text = rawjson.string_of(builder.data.get("input", builder.data.get("arguments", rawjson.ABSENT)))
    if text is None:
        builder.skip(f"{builder.name}/{name}", "unexpected input")
        text = ""
    given = fields_of(text.encode("utf-8", "replace"))
    asked = asked_in(given.get("questions")) if OPS.get(name) == "ask" else []
    if name == PATCH:
        # A function's argument (0.22 to 0.29), or a custom tool's whole input.
        patch = text if "input" in builder.data else first_text(given, "input")
        call = _patch_call(call_id, in_patch(patch, builder.cwd))
    elif "input" in builder.data and name == CODE_MODE:
        call = _script_call(builder, call_id, text.strip())
    elif OPS.get(name) == "shell":
        call = _shell_call(builder, call_id, name, given)
    else:
        call = _other_call(call_id, name, given, asked)
    _open(builder, call)
    for number, question in enumerate(asked):
        builder.add_of_call(question.as_event(call_id), f"question{number}", call_id)


def parse_output(builder: Builder) -> None:
    """Handles the output of a call, which shows how it ended unless another record already has."""
    text = rawjson.text_of(builder.data.get("output", rawjson.ABSENT))
    if builder.call_id is None or text is None:
        builder.skip(builder.name, "unexpected output")
        return
    call = _known(builder, builder.call_id)
    if call is None:
        return
    outcome = read_output(call.op, text)
    head = _HEAD.match(without_ansi(text[:_HEAD_CHARS]))
    if head is not None and head["process"] and call.op == "shell":
        # The call stays open: its result comes when the process ends.
        running = replace(call, process=head["process"])
        builder.change(calls=tuple(running if other is call else other for other in builder.context.calls))
        builder.at_turn(call.turn)
        task = BackgroundTask(task_id=call.id, state="running", label=bounded(call.subject, SHORT_CHARS))
        builder.add_of_call(task, "running", call.id)
    elif call.name == "write_stdin":
        # What the process printed, and how it ended, is reported with the call that started it.
        exited = head is not None and head["code"] is not None
        is_told = exited or outcome.status in ("ok", "unknown")
        _finish(builder, call, ToolOutcome("ok") if is_told else outcome)
        # The newest: a new client numbers from the start again, and what ran in the previous one ended unrecorded.
        started = [other for other in builder.context.calls if other.process == call.process and other.op == "shell"]
        if started and call.process is not None and exited:
            _finish(builder, started[-1], outcome)
    elif outcome.status == "interrupted" and call.escalated:
        # Refusing what the client asks for ends the turn, and is written down as an interrupt would be (0.169).
        _finish(builder, call, ToolOutcome("denied", outcome.output, never_ran=True))
    elif call.name == CODE_MODE:
        _finish(builder, *_of_script(builder, call, outcome))
    else:
        _finish(builder, call, outcome)


def _of_script(builder: Builder, call: OpenCall, outcome: ToolOutcome) -> tuple[OpenCall, ToolOutcome]:
    """Determines how a code mode script ended, which may print the whole result of its only command (0.146)."""
    if outcome.status == "error" and _PATCH_FAILED in outcome.output:
        found = _FAILED_IN.search(outcome.output)
        return replace(call, name=PATCH, op="edit", subject=found[1] if found else ""), outcome
    if outcome.status != "ok":
        return call, outcome
    if call.op != "shell" or any(known.startswith(_OF_SCRIPT) for known in builder.context.closed):
        return replace(call, op="other", changes=()), ToolOutcome("ok")
    printed = outcome.output.partition(_BODY)[2].strip("\n")
    ran = fields_of(printed.encode("utf-8", "replace"))
    code = number_of(ran.get("exit_code"))
    return call, ToolOutcome("unknown", printed) if code is None else _ended(
        code, without_ansi(text_of(ran.get("output")))
    )


def parse_command(builder: Builder) -> None:
    """Handles the client's own record of a finished command: `CommandExecution` or `exec_command_end`.

    In code mode, and for the user's `!command`, it is also the only record of the call. It may come long after the turn
    that the command belongs to.
    """
    call_id = _of_client(builder)
    source = builder.text("source")
    # `write_stdin` on a process is not a separate command.
    if call_id is None or source == "unified_exec_interaction":
        return
    call = _known(builder, call_id)
    if call is None:
        cwd = usable_folder(path_of(builder.text("cwd"))) or builder.cwd  # a URL in `CommandExecution`
        script = _script_of(builder.data.get("command", rawjson.ABSENT))
        call = _command_call(call_id, "exec_command", script, cwd)
        if source == "user_shell":
            call = replace(call, actor="human", changes=())
        call = _open(builder, call)
    output = without_ansi(builder.text("aggregated_output"))
    _finish(builder, call, _ended(number_of(builder.data.get("exit_code")), output, builder.text("status")))


def parse_file_change(builder: Builder) -> None:
    """Handles the client's own record of a patch (`FileChange`, `patch_apply_end`): its changes, with absolute
    paths."""
    call_id = _of_client(builder)
    if call_id is None:
        return
    reported = sorted(fields_of(builder.data.get("changes")).items())
    made = (_made(path, fields_of(detail), builder.cwd) for path, detail in reported)
    changes = tuple(change for change in made if change is not None)
    call = _known(builder, call_id) or _open(builder, _patch_call(call_id, changes))
    printed = "\n".join(filter(None, (builder.text("stdout"), builder.text("stderr"))))
    call = replace(call, op="edit", changes=changes)
    _finish(builder, call, _ended(None, printed, builder.text("status")))


def _of_client(builder: Builder) -> str | None:
    """Returns the id of the call that a record of the client ends; None if it has ended or the id is unusable."""
    if builder.call_id is None:
        builder.skip(builder.name, "no usable id")
    elif builder.call_id not in builder.context.closed:
        builder.at_turn(builder.text("turn_id"))
        return builder.call_id
    return None


def parse_web_search(builder: Builder) -> None:
    """Handles a search run by the model's provider, which is finished when it is recorded."""
    about = first_text(fields_of(builder.data.get("action")), "query", "url")  # reported, not in a recording
    call_id = builder.call_id or f"web_search/{builder.at_ms}"
    call = _open(builder, OpenCall(id=call_id, name="web_search", op="web", subject=about))
    _finish(builder, call, ToolOutcome("ok"))


def _known(builder: Builder, call_id: str) -> OpenCall | None:
    return next((call for call in builder.context.calls if call.id == call_id), None)


def _open(builder: Builder, call: OpenCall) -> OpenCall:
    """Adds a call and keeps it open until its result comes."""
    call = replace(call, turn=builder.turn.id, subject=bounded(call.subject, SUBJECT_CHARS))
    builder.add_of_call(call.as_event(), "call", call.id)
    builder.change(
        calls=opened(builder.context.calls, call, most=_MAX_OPEN_CALLS),
        closed=tuple(other for other in builder.context.closed if other != call.id),
    )
    return call


def _patch_call(call_id: str, changes: tuple[Change, ...]) -> OpenCall:
    """Returns a call that applies a patch; preferably, a file that existed before stands for it."""
    edited = [change for change in changes if change.change in ("modify", "rename")]
    first = next(iter(edited or changes), None)
    subject = (first.old_path or first.path) if first is not None else ""
    handoff = names_own_folder(subject)
    return OpenCall(id=call_id, name=PATCH, op="edit", subject=subject, changes=changes[:_MAX_CHANGES], handoff=handoff)


def _command_call(call_id: str, name: str, script: str, cwd: str | None) -> OpenCall:
    handed = _HANDED.fullmatch(script) if script.count("*** Begin Patch") == 1 else None
    if handed is None:
        return OpenCall.of_command(call_id, name, script, cwd)
    folder = handed["folder"]
    changes = in_patch(handed["patch"], resolved(folder.strip("'\""), cwd) if folder else cwd)
    return _patch_call(call_id, changes)


def _shell_call(builder: Builder, call_id: str, name: str, given: Fields) -> OpenCall:
    raw = given.get("cmd", given.get("command", rawjson.ABSENT))
    place = text_of(given.get("workdir"))
    if builder.context.cwd is None:
        builder.move_to(usable_folder(place))  # before 0.22 nothing else names a folder
    cwd = _folder(builder, place)
    argv = rawjson.part_of(raw, list[str]) or []
    if argv[:1] == [PATCH] and len(argv) == 2:  # 0.48, 0.53
        return _patch_call(call_id, in_patch(argv[1], cwd))
    call = _command_call(call_id, name, _script_of(raw), cwd)
    return replace(call, escalated=first_text(given, "sandbox_permissions") == "require_escalated")


def _script_call(builder: Builder, call_id: str, script: str) -> OpenCall:
    """Returns the call of a code mode script.

    A script that runs a single command is read as that command if the client (before 0.150) doesn't record commands.
    """
    is_command = builder.context.family == "legacy" and script.count("tools.") == 1
    command = _text_in(script, _COMMAND) if is_command else ""
    if not command:
        return OpenCall(id=call_id, name=CODE_MODE, op="other", subject=script, handoff=names_own_folder(script))
    return _command_call(call_id, CODE_MODE, command, _folder(builder, _text_in(script, _WORKDIR)))


def _text_in(script: str, pattern: re.Pattern[str]) -> str:
    found = pattern.search(script)
    return text_of(msgspec.Raw(found[1].encode("utf-8", "replace"))) if found is not None else ""


def _folder(builder: Builder, place: str) -> str | None:
    """Returns the folder that a command runs in: the turn's, unless the call names another."""
    return resolved(place, builder.cwd) if place else builder.cwd


def _other_call(call_id: str, name: str, given: Fields, asked: list[Asked]) -> OpenCall:
    about = first_text(given, "path", "file_path", "dir_path", "pattern", "query", "url", "message")
    number = number_of(given.get("session_id"))  # some clients write it as a text
    process = str(number) if number is not None else text_of(given.get("session_id"))
    return OpenCall(
        id=call_id,
        name=name,
        op=OPS.get(name, "other"),
        subject=about or next((question.question for question in asked), ""),
        plan=plan_items(given.get("plan"), "step") if name == "update_plan" else (),
        asked=tuple(Asked(bounded(one.question, SUBJECT_CHARS), bounded(one.id, SHORT_CHARS)) for one in asked),
        process=usable_name(process) if name == "write_stdin" else None,
        handoff=names_own_folder(about),
    )


def _script_of(raw: msgspec.Raw) -> str:
    """Returns a command: a text, the script that a shell is started with (`["/bin/bash", "-lc", script]`), or a line.

    Empty if it is none of these.
    """
    command = rawjson.part_of(raw, list[str])
    if not command:
        return text_of(raw)
    return command[-1] if len(command) >= 3 and command[-2] in _SCRIPT_FLAGS else shlex.join(command)


def _made(path: str, detail: Fields, cwd: str | None) -> Change | None:
    """Returns the change to one file that the client reports; None if it can't be placed."""
    place = place_of(path, cwd)
    if place is None:
        return None
    match text_of(detail.get("type")):
        case "add":
            return added(place, text_of(detail.get("content")))
        case "delete":
            return Change(path=place, change="delete")
        case "update":
            change = patched(Change(path=place, change="modify"), hunks_in(text_of(detail.get("unified_diff"))))
            moved = text_of(detail.get("move_path"))
            return renamed(change, moved, cwd) if moved else change
    return None


def _finish(builder: Builder, call: OpenCall, outcome: ToolOutcome) -> None:
    """Adds the result of a call and its effects."""
    builder.change(
        calls=closed(builder.context.calls, call.id),
        closed=(*builder.context.closed, call.id)[-_MAX_CLOSED_CALLS:],
    )
    builder.at_turn(call.turn)
    builder.add_of_call(call.ended(outcome), "result", call.id)
    if call.process is not None and call.op == "shell":
        # How it ended is in its result: a failed job would count a second time.
        state: Literal["done", "stopped"] = "done" if outcome.status in ("ok", "error") else "stopped"
        builder.add_of_call(BackgroundTask(task_id=call.id, state=state), "ended", call.id)
    if outcome.status != "ok":
        return
    for change in call.changes:
        if not names_own_folder(change.path):
            builder.add_of_call(as_edit(change, call.id), f"edit/{digest(change.path)}", call.id)
    if call.plan:
        builder.add_of_call(PlanUpdate(items=call.plan), "plan", call.id)
    given = fields_of(fields_of(outcome.output.encode("utf-8", "replace")).get("answers")) if call.asked else {}
    for number, asked in enumerate(call.asked):
        if text := ", ".join(map(text_of, items_of(fields_of(given.get(asked.id)).get("answers")))):
            answer = Answer(call_id=call.id, question=asked.question, text=text)
            builder.add_of_call(answer, f"answer{number}", call.id)


def read_output(op: Op, text: str) -> ToolOutcome:
    """Determines from its output how a call ended.

    `unknown` if the output doesn't show it and the tool may fail silently.
    """
    if text.startswith('{"output"') and (wrapped := fields_of(text.encode("utf-8", "replace"))).keys() >= {"metadata"}:
        # `apply_patch` in 0.87 to 0.125, every command in 0.48 and 0.53.
        code = number_of(fields_of(wrapped["metadata"]).get("exit_code"))
        return _ended(code, without_ansi(text_of(wrapped["output"])))
    text = without_ansi(text)
    if head := _HEAD.match(text):
        if head["process"]:
            return ToolOutcome("unknown", _body(text))
        return _ended(int(head["code"]), _body(text))
    if head := _EXIT_CODE.match(text):
        return _ended(int(head[1]), _body(text))
    if head := _IN_SANDBOX.match(text):
        printed = "\n".join(filter(None, text[head.end() :].rsplit(", stderr: ", 1)))
        return _ended(int(head[1]), printed) if head[1] else ToolOutcome("error", printed)
    if _ABORTED.fullmatch(text):
        return ToolOutcome("interrupted", text)
    if (text in _REFUSED and op in ("shell", "edit")) or (op == "shell" and _REJECTED.fullmatch(text)):
        return ToolOutcome("denied", text, never_ran=True)
    if text.startswith(_NEVER_RAN):
        return ToolOutcome("error", text, never_ran=True)
    if _FAILED.match(text) or (op == "edit" and text.startswith(_PATCH_ERROR)):
        return ToolOutcome("error", _body(text).removeprefix(_SCRIPT_ERROR))
    return ToolOutcome("ok" if op in _SURE or text.startswith(_WORKED) else "unknown", text)


def _ended(exit_code: int | None, output: str, status: str = "") -> ToolOutcome:
    """Returns the outcome of a process: by its exit code, else by the client's status (`completed`, `failed`)."""
    if status == "declined":
        return ToolOutcome("denied", output, never_ran=True)
    if exit_code == _KILLED:
        return ToolOutcome("interrupted", output)
    if exit_code is None:
        words: dict[str, ResultStatus] = {"completed": "ok", "failed": "error"}
        return ToolOutcome(words.get(status, "unknown"), output)
    return ToolOutcome("ok" if exit_code == 0 else "error", output, exit_code=exit_code)


def _body(text: str) -> str:
    """Returns the output below the client's own header lines."""
    at = text.find(_BODY, 0, _HEAD_CHARS)
    return text[at + len(_BODY) :].lstrip("\n") if at >= 0 else text
