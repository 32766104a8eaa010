"""Turns the records of a VS Code chat, as `chats` reads it, into events."""

from __future__ import annotations

import posixpath
import re
from functools import partial
from typing import Final

import msgspec

from carryover import model
from carryover.adapter.contract import ToolOutcome
from carryover.agents.copilot import chats
from carryover.agents.copilot.calls import TOOLS, subject_in
from carryover.agents.copilot.chats import ChatRecord, is_given, local_path, markdown_of, uris_in
from carryover.model import Actor, Answer, AnyBody, FileEdit, Op, PlanUpdate, Question, TurnEnd
from carryover.records.asked import plan_items
from carryover.records.fields import LATEST_MS, MAX_NAME_CHARS, SHORT_CHARS, bounded, subject_of
from carryover.records.lenient import Fields, fields_of, first_text, is_true, items_of, number_of, text_of, time_of
from carryover.records.resets import failed_turn, names_limit
from carryover.records.text import names_handoff_file, names_own_folder, without_ansi
from carryover.text.pattern import later
from carryover.transcript.recorder import OpenCall
from carryover.transcript.stored import Reported, StoredBuilder, parse_stored
from carryover.transcript.turns import add_answer, add_prompt

_TEXT: Final = "text"
_TEXT_KINDS: Final = frozenset(("", "markdownContent", "markdownVuln", "inlineReference"))
"""Kinds of parts that make up an answer's text. Plain Markdown has no kind."""
_TOOL_KINDS: Final = frozenset(("toolInvocationSerialized", "toolInvocation"))
_EVENT_KINDS: Final = _TOOL_KINDS | {"textEditGroup", "questionCarousel", "planReview"}
"""Kinds of other parts that become events."""
_WITHIN_TEXT: Final = frozenset(("codeblockUri", "undoStop", "reference", "codeCitation"))
"""Kinds of parts that do not interrupt a text."""
_QUIET_KINDS: Final = frozenset(
    "thinking prepareToolInvocation progressMessage progressTask progressTaskSerialized progressTaskResult "
    "confirmation elicitation elicitation2 elicitationSerialized mcpServersStarting mcpServersStartingSlow "
    "mcpAuthenticationRequired hook warning info command treeData multiDiffData extensions pullRequest "
    "clearToPreviousToolInvocation usage "
    "usedContext move disabledClaudeHooks systemNotification voiceProgress autoModeResolution progress "
    "externalEdit notebookEditGroup workspaceEdit".split()
)
"""Kinds of parts without content for a handoff."""
_ATTACHED: Final = frozenset(("file", "directory", "image", "paste"))
"""Kinds of attachments that a user adds to a prompt; other kinds are added automatically."""
_NOT_TYPED: Final = ("confirmation", "requestSource", "isSystemInitiated", "requestHiddenFromTranscript")
"""Fields of a request that a button or the editor sent."""
_COMMANDS: Final = frozenset(("slash", "subcommand", "prompt"))
_COMMAND: Final = later(r"\A\s*(?:@[\w-]+\s+)?(/[\w:.-]+)(?:\s+|\Z)")
PROMPT_FILE: Final = later(
    r"\AFollow instructions in \[[^\]\n]{1,200}\]"
    r"\([^)\s]{0,1000}(/[\w:.-]{1,100}?)(?:\.prompt\.md|/SKILL\.md)\)\.(?:\n|\Z)"
)
"""What the editor sends for a command that a file of the project stands for; what was typed after it is below."""
_BORDER: Final = later(r"\A`{3,}\s*(?:\n\s*|\Z)|(?:(?<!\s)\s*(?<=\n)|\A)`{3,}[\w+-]*\Z")
"""The end of a code block at the start of a text, or the start of one at its end."""
_DENIED, _SKIPPED = 0, 5
"""Types of `isConfirmed`."""
_FAILED: Final = (
    "ERROR while calling tool: ",
    "ERROR: Your input to the tool was invalid ",
    "Applying patch failed with error: ",
)
"""How the result that the model got begins if the call failed."""
_NEVER_RAN: Final = later(
    r"ERROR: Your input to the tool was invalid "
    r"|ERROR while calling tool: (?:Invalid input path: |Tool \S+ does not have )"
)
"""How it begins if the call never ran."""
_STOPPED: Final = "The user cancelled the tool call."
_NOTE: Final = later(
    r"\ANote: The (?:tool simplified|user manually edited) the command to `.*?`, "
    r"and this is the output of running that command instead:\n",
    re.DOTALL,
)
"""Stands above what a command printed."""
_EXIT_CODE: Final = later(r"(?<!\s)\s*^Command exited with code (-?\d{1,10})\s*\Z", re.MULTILINE)
"""Stands below what a failed command printed."""
_LINK: Final = later(r"\[([^\]]{0,500})\]\(((?:(?!\]\()[^)\s])*)\)")
_URI: Final = later(r"[A-Za-z][A-Za-z0-9+.-]{0,40}://\S*")
_RECORD: Final = msgspec.json.Decoder(ChatRecord)


class _Recorder(StoredBuilder, kw_only=True):
    """Records one record of the reader. Keys begin with the chat, since an imported one may repeat the requests of
    another."""

    request: str = ""
    """Id of the request."""
    asked_ms: int = 0
    """Its time, for parts without one."""
    part_ms: int = 0

    def add(self, body: AnyBody, key: str, mark: str = "") -> None:
        """Adds an event, dated no earlier than the one before it."""
        self.at_ms = min(max(self.part_ms or self.asked_ms, self.reported.last_ms), LATEST_MS)
        super().add(body, key, mark)
        self.report(last_ms=self.at_ms)


def _piece(recorder: _Recorder, record: ChatRecord) -> None:
    if record.kind == "message" and record.why:
        # The next readable state of a chat of which nothing was read is emitted as a whole.
        recorder.report(**msgspec.structs.asdict(Reported()))
        recorder.skip("chat", record.why)
        return
    if record.live:
        recorder.kept = recorder.context
    if record.kind == "message" or record.live:
        recorder.request, recorder.prefix = record.ident, f"{recorder.session}/{record.ident}/"
        _parse_request(recorder, record)
    if record.kind == "session":
        recorder.prefix = f"{recorder.session}/"
        _parse_state(recorder, record)


parse_chat: Final = partial(parse_stored, _RECORD, _Recorder, _piece)


def _parse_state(recorder: _Recorder, record: ChatRecord) -> None:
    if record.why:
        recorder.skip("chat", record.why)
    last_ms = recorder.reported.last_ms
    if last_ms and (mark := recorder.news("info", f"{recorder.native.directory} {record.info}")):
        recorder.add(record.info, f"info/{last_ms}/{mark}")


def _parse_request(recorder: _Recorder, record: ChatRecord) -> None:
    """Adds the prompt, what the model said and did, and how the turn ended if it has."""
    request = record.request
    recorder.asked_ms = time_of(request.get("timestamp"))
    if not (recorder.asked_ms or recorder.reported.last_ms):
        recorder.skip("chat", "no usable time")
        return
    state = chats.state_of(request)
    ended_ms = time_of(fields_of(request.get("modelState")).get("completedAt"))
    _add_prompt(recorder, request)
    parts = _parts(items_of(request.get("response")))
    last = max((n for n, (kind, _, text) in enumerate(parts) if text or kind in _EVENT_KINDS), default=-1)
    spoken = max((n for n, (kind, *_) in enumerate(parts) if kind in (_TEXT, "thinking")), default=-1)
    calls = [(number, tool) for number, (kind, tool, _) in enumerate(parts) if _is_of_model(kind, tool)]
    noted = [number for number, tool in calls if not _is_unnoted(tool)]
    reported = _reported(request, [number for number, _ in calls]) or _reported(request, noted)
    call = OpenCall(id="", name="", op="other")
    for number, (kind, fields, text) in enumerate(parts):
        recorder.part_ms = ended_ms if number == last and text else 0
        if kind == _TEXT:
            aborted = number == last and (record.live or state in (chats.CANCELLED, chats.FAILED))
            final = number == last and (True if state == chats.COMPLETE else None)
            add_answer(recorder, f"{number}/text", text, final=final, aborted=aborted)
        elif kind in _TOOL_KINDS:
            # The model had the results of all calls before what it thinks or says.
            has_ended = number < spoken or not (state in chats.ENDED or record.live) or _has_result(fields)
            has_ended = has_ended or _has_edited(parts[number + 1 : number + 2]) or bool(reported.get(number))
            ended = chats.COMPLETE if has_ended else state or chats.PENDING
            call = _add_call(recorder, number, fields, ended, reported.get(number, ""))
        elif kind == "textEditGroup":
            if (change := _change_in(fields)) is not None:
                change = msgspec.structs.replace(change, change="add") if call.op == "write" else change
                recorder.add(msgspec.structs.replace(change, call_id=call.id or None), f"{number}/edit0")
            call = msgspec.structs.replace(call, op="edit")  # what follows is in the file that the call has created
        elif kind == "questionCarousel":
            _add_questions(recorder, number, fields)
        elif kind == "planReview":
            _add_plan(recorder, number, fields)
        elif kind not in _QUIET_KINDS:
            recorder.skip(f"part/{kind}", "unknown kind")
    if not record.live:
        recorder.part_ms = ended_ms
        _add_end(recorder, request, state)


def _add_prompt(recorder: _Recorder, request: Fields) -> None:
    message = fields_of(request.get("message"))
    text = text_of(message.get("text"))
    kinds = {text_of(fields_of(part).get("kind")) for part in items_of(message.get("parts"))}
    command = _COMMAND.match(text) if kinds & _COMMANDS else PROMPT_FILE.match(text)
    text = text[command.end() if command is not None else 0 :].strip()
    listed = items_of(fields_of(request.get("variableData")).get("variables"))
    attachments = sum(text_of(fields_of(raw).get("kind")) in _ATTACHED for raw in listed)
    actor: Actor = "model" if any(is_given(request.get(name)) for name in _NOT_TYPED) else "human"
    name = command[1] if command is not None else None
    add_prompt(recorder, "prompt", text, actor=actor, command=name, attachments=attachments)


def _parts(raws: list[msgspec.Raw]) -> list[tuple[str, Fields, str]]:
    """Returns the parts of an answer with their kinds. Consecutive parts of a text are merged into just that text."""
    found: list[tuple[str, Fields, list[str]]] = []
    for raw in raws:
        fields = fields_of(raw)
        kind = "" if text_of(raw) else chats.kind_of_part(fields)
        if kind in _TEXT_KINDS:
            if not found or found[-1][0] != _TEXT:
                found.append((_TEXT, {}, []))
            found[-1][2].append(text_of(raw) or _text_of_part(fields))
        elif kind not in _WITHIN_TEXT:
            found.append((kind, fields, []))
    return [(kind, fields, _without_borders("".join(pieces).strip())) for kind, fields, pieces in found]


def _text_of_part(fields: Fields) -> str:
    """Returns the Markdown of a part; for a reference, its name or the file's name."""
    if reference := fields_of(fields.get("inlineReference")):
        uri = fields_of(fields_of(reference.get("location")).get("uri")) or fields_of(reference.get("uri")) or reference
        named = text_of(fields.get("name")) or text_of(reference.get("name"))
        return f"`{named or posixpath.basename(text_of(uri.get('path')).rstrip('/'))}`"
    return text_of(fields.get("value")) or markdown_of(fields.get("content"))


def _without_borders(text: str) -> str:
    return _BORDER.sub("", text, count=1) if text.count("```") % 2 else text


def _is_of_model(kind: str, tool: Fields) -> bool:
    """Whether a part is a call of the model, and not one that the extension makes for such a call."""
    return kind in _TOOL_KINDS and not text_of(tool.get("toolId")).endswith("_internal")


def _is_unnoted(tool: Fields) -> bool:
    """Whether a part may be a call that the extension does not note: of the todo list, or a sub-agent's."""
    return text_of(tool.get("toolId")) == "manage_todo_list" or is_given(tool.get("subAgentInvocationId"))


def _reported(request: Fields, places: list[int]) -> dict[int, str]:
    """Returns the result that the model got for each call, as plain text, by the call's place. The extension notes
    results under other ids, in the order of the calls, so nothing is returned if their number differs."""
    noted = fields_of(fields_of(request.get("result")).get("metadata"))
    results = fields_of(noted.get("toolCallResults"))
    rounds = map(fields_of, items_of(noted.get("toolCallRounds")))
    calls = [fields_of(call) for one in rounds for call in items_of(one.get("toolCalls"))]
    if len(calls) != len(places):
        return {}
    pieces = (items_of(fields_of(results.get(text_of(call.get("id")))).get("content")) for call in calls)
    texts = ("\n".join(filter(None, (text_of(fields_of(raw).get("value")) for raw in raws))) for raws in pieces)
    return dict(zip(places, texts, strict=True))


def _add_call(recorder: _Recorder, number: int, tool: Fields, state: int, reported: str) -> OpenCall:
    """Adds a call, and its result if there is one. `state`: that of the turn, complete if the call has ended;
    `reported`: the result that the model got."""
    name = text_of(tool.get("toolId"))
    data = fields_of(tool.get("toolSpecificData"))
    op = TOOLS.op(name)
    ident = text_of(tool.get("toolCallId"))[:MAX_NAME_CHARS] or f"{recorder.request}/{number}"
    subject = _subject_of(name, op, tool, data)
    handoff = names_own_folder(f"{subject} {markdown_of(tool.get('invocationMessage'))}")
    call = OpenCall(id=ident, name=name, op=op, subject=subject, handoff=handoff)
    if recorder.identify("part/tool", ident, name):
        recorder.part_ms = max(recorder.asked_ms, time_of(fields_of(data.get("terminalCommandState")).get("timestamp")))
        recorder.add_call(call, f"{number}/call")
        if (outcome := _outcome_of(op, tool, data, state, reported)) is not None:
            recorder.end_call(call, outcome, result=f"{number}/result")
        if bytes(data.get("todoList", b""))[:1] == b"[":
            todos = plan_items(data["todoList"], "title")
            recorder.add(PlanUpdate(items=todos), f"{number}/plan")
    return call


def _subject_of(name: str, op: Op, tool: Fields, data: Fields) -> str:
    """Returns the subject of a call, bounded: the command, the file, the arguments of an MCP tool, of which
    the chat shows only the name, or else what the chat shows."""
    line = fields_of(data.get("commandLine"))
    message = tool.get("invocationMessage")
    # As changed by the user or the tool, without what only a sandbox needs.
    changed = ("original", "toolEdited") if is_given(line.get("isSandboxWrapped")) else ("toolEdited", "original")
    found = (
        first_text(line, "userEdited", *changed) or first_text(data, "command", "commandLine", "description"),
        next(filter(None, map(local_path, uris_in(message))), ""),
        subject_in(name, op, fields_of(data.get("rawInput"))),
        text_of(data.get("input")),
        "" if is_given(data.get("rawInput")) else _shown(message),
    )
    return subject_of(op, next(filter(None, found), ""))


def _shown(message: msgspec.Raw | None) -> str:
    """Returns a message in the chat as text, with links replaced by their names."""
    plain = _LINK.sub(lambda found: found[1] or posixpath.basename(found[2]), markdown_of(message))
    return _URI.sub("", plain).strip()


def _has_result(tool: Fields) -> bool:
    ended = fields_of(tool.get("toolSpecificData")).get("terminalCommandState")
    return any(map(is_given, (tool.get("resultDetails"), tool.get("resultError"), ended)))


def _has_edited(after: list[tuple[str, Fields, str]]) -> bool:
    """Whether the part after a call, if there is one, is an edit that was applied: its own, even if the turn was
    cancelled."""
    return bool(after) and after[0][0] == "textEditGroup" and is_true(after[0][1].get("done"))


def _outcome_of(op: Op, tool: Fields, data: Fields, state: int, reported: str) -> ToolOutcome | None:
    if number_of(fields_of(tool.get("isConfirmed")).get("type")) in (_DENIED, _SKIPPED):
        return ToolOutcome("denied", never_ran=True)
    details = fields_of(tool.get("resultDetails"))
    ended = fields_of(data.get("terminalCommandState"))
    failed = _EXIT_CODE.search(reported) if op == "shell" else None
    printed = reported[: failed.start()] if failed is not None else reported
    printed = _NOTE.sub("", printed) if op == "shell" else printed
    output = without_ansi(_output_in(data, details) or text_of(tool.get("resultError")) or printed)
    code = int(failed[1]) if failed is not None else number_of(ended.get("exitCode"))
    if code is not None:
        return ToolOutcome("error" if code else "ok", output, exit_code=code)
    if is_given(tool.get("resultError")) or is_given(details.get("isError")) or reported.startswith(_FAILED):
        return ToolOutcome("error", output, never_ran=_NEVER_RAN.match(reported) is not None)
    if reported == _STOPPED:
        return ToolOutcome("interrupted")
    if state == chats.CANCELLED and not ended:
        return ToolOutcome("interrupted", output)
    if state != chats.COMPLETE and not ended:
        return None
    if op != "shell":
        return ToolOutcome("ok", output)
    # A test run has no exit code, but the chat shows how many tests passed; of a command, only a hint of the editor's.
    shown = "" if is_given(data.get("commandLine")) else _shown(tool.get("pastTenseMessage"))
    return ToolOutcome("unknown", output or shown)


def _output_in(data: Fields, details: Fields) -> str:
    """Returns a call's output: a text, or the texts among its parts."""
    listed = map(fields_of, items_of(details.get("output")))
    parts = (text_of(part.get("value")) for part in listed if is_given(part.get("isText", msgspec.Raw(b"true"))))
    printed = text_of(fields_of(data.get("terminalCommandOutput")).get("text")) or first_text(data, "output", "result")
    return printed or "\n".join(filter(None, parts)) or text_of(details.get("output"))


def _change_in(part: Fields) -> FileEdit | None:
    """Returns the change of a file that batches of edits made, each a range and its new text; None without edits."""
    path = local_path(part.get("uri"))
    edits = [fields_of(raw) for batch in items_of(part.get("edits")) for raw in items_of(batch)]
    if path is None or names_handoff_file(path) or not edits:
        return None
    texts = [text_of(edit.get("text")).splitlines() for edit in edits]
    ranges = [fields_of(edit.get("range")) for edit in edits]
    starts = [number_of(place.get("startLineNumber")) or 0 for place in ranges]
    places = ((start, n, line) for start, text in zip(starts, texts, strict=True) for n, line in enumerate(text))
    start, below, anchor = next((place for place in places if place[2].strip()), (starts[0], 0, ""))
    return FileEdit(
        path=path,
        change="modify",
        added=sum(map(len, texts)),
        removed=sum(map(_lines_in, ranges)),
        line=start + below if start > 0 else None,
        anchor=bounded(anchor, SHORT_CHARS) or None,
    )


def _lines_in(place: Fields) -> int:
    """Returns the number of lines in a range; 0 for a position between two characters. All are counted from 1."""
    names = ("startLineNumber", "startColumn", "endLineNumber", "endColumn")
    first, column, last, end = (number_of(place.get(name)) or 0 for name in names)
    return last - first + (end > 1) if (first, column) != (last, end) and 0 < first <= last else 0


def _add_questions(recorder: _Recorder, number: int, fields: Fields) -> None:
    answers = fields_of(fields.get("data"))
    for place, question in enumerate(map(fields_of, items_of(fields.get("questions")))):
        asked = markdown_of(question.get("message")) or text_of(question.get("title"))
        if not asked:
            continue
        part = f"{number}/{place}"
        call_id = f"{recorder.request}/{part}"
        listed = map(fields_of, items_of(question.get("options")))
        options = {text_of(option.get("id")): text_of(option.get("label")) for option in listed}
        recorder.add(Question(call_id=call_id, text=asked, options=tuple(options.values())), f"{part}/question")
        raw = answers.get(text_of(question.get("id")))
        given = fields_of(raw)
        chosen = (text_of(given.get("selectedValue")), *map(text_of, items_of(given.get("selectedValues"))))
        said = (text_of(raw), *(options.get(value, value) for value in chosen), text_of(given.get("freeformValue")))
        if any(said):
            recorder.add(Answer(call_id=call_id, question=asked, text=", ".join(filter(None, said))), f"{part}/answer")


def _add_plan(recorder: _Recorder, number: int, fields: Fields) -> None:
    """Adds a plan put before the user and, once it was decided on, how, with what the user wrote about it."""
    call_id, decided = f"{recorder.request}/{number}", fields_of(fields.get("data"))
    recorder.add(model.PlanProposal(call_id=call_id, text=markdown_of(fields.get("content"))), f"{number}/plan")
    if decided:
        accepted = not is_true(decided.get("rejected"))
        recorder.add(model.PlanProposal(call_id=call_id, text="", accepted=accepted), f"{number}/decided")
        if words := text_of(decided.get("feedback")).strip():
            recorder.add(model.UserPrompt(text=words), f"{number}/said")


def _add_end(recorder: _Recorder, request: Fields, state: int | None) -> None:
    error = fields_of(fields_of(request.get("result")).get("errorDetails"))
    message = text_of(error.get("message"))
    limited = is_true(error.get("isQuotaExceeded")) or is_true(error.get("isRateLimited")) or names_limit(message)
    if not limited and (state == chats.CANCELLED or text_of(error.get("code")) in ("canceled", "cancelled")):
        recorder.add(TurnEnd(reason="interrupted"), "end")
    elif limited or message or state == chats.FAILED:
        at_ms = min(max(recorder.part_ms or recorder.asked_ms, recorder.reported.last_ms), LATEST_MS)
        recorder.add(failed_turn(message, at_ms, limited=limited), "end")
