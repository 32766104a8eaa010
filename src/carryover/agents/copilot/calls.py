"""The tools of the terminal client and of VS Code, what is remembered between two records of a session's log, and its
calls: what each is about and changes, and how it ended."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from carryover import model
from carryover.adapter.contract import Parsed, ToolOutcome
from carryover.model import FileEdit, Op, PlanItem, session_in_other_cwd
from carryover.records import rawjson, shell_files
from carryover.records.asked import MOST_TODOS, PLAN_STATES, plan_of
from carryover.records.changes import hunks_in, patched
from carryover.records.fields import MAX_NAME_CHARS, SHORT_CHARS, bounded, digest, resolved, subject_of
from carryover.records.lenient import Fields, fields_of, first_text, inside, is_true, items_of, number_of, text_of
from carryover.records.patches import by_arguments
from carryover.records.text import names_own_folder, without_ansi
from carryover.text.pattern import later
from carryover.transcript import open_calls as base
from carryover.transcript.recorder import OneSession, SessionContext, Tools, usable_folder, usable_name

_PATHS: Final = ("filePath", "path", "dirPath")
_PREFIX: Final = later(r"\A(?:copilot|vscode)_")
TOOLS: Final = Tools(
    {
        "shell": "bash powershell localshell "
        "runinterminal runinterminal2 runtask createandruntask runtests runtest runvscodecommand",
        "read": "view showfile "
        "readfile readnotebookcelloutput getnotebooksummary geterrors getterminaloutput getchangedfiles "
        "terminallastcommand terminalselection viewimage readprojectstructure testfailure gettaskoutput",
        "edit": "edit applypatch "
        "replacestring replacestringinfile multireplacestring multireplacestringinfile insertedit "
        "inserteditintofile editfile editfiles editnotebook editnotebookfile internaleditfile",
        "write": "create createfile createnewjupyternotebook createnewworkspace createdirectory newnotebook",
        "search": "glob grep rg "
        "findfiles filesearch findtextinfiles grepsearch searchcodebase semanticsearch codebase "
        "listdirectory listdir searchworkspacesymbols findtestfiles listcodeusages usages searchresults",
        "web": "webfetch websearch fetchcopilotclidocumentation "
        "fetchwebpage githubrepo opensimplebrowser fetchwebpageinternal",
        "plan": "updatetodo exitplanmode managetodolist todos",
        "ask": "askuser askquestions",
        "agent": "task runsubagent searchsubagent executionsubagent",
    },
    about=("command", "pattern", "url", "urls", "query", *_PATHS, "description", "task"),
    about_by_op={
        **dict.fromkeys(("read", "edit", "write"), (*_PATHS, "command")),
        **dict.fromkeys(
            ("agent", "other"), ("description", "command", *_PATHS, "query", "url", "skill", "pattern", "task")
        ),
        "ask": ("message", "question"),
        "plan": ("description", "summary"),
    },
    plain=lambda name: _PREFIX.sub("", name).replace("_", "").lower(),
)
"""Names differ by version: `copilot_runInTerminal`, `run_in_terminal`."""
_MOST_CHANGES: Final = 20
_WORDS_CHARS: Final = 4_000
"""Kept of what the user typed on refusing a call, until it ends."""
_OWN_FILES: Final = later(r"/session-state/[0-9a-fA-F-]{36}/")
"""The plan and notes that the client keeps with a session (1.0.102)."""

_STRING: Final = r"'(?:[^']|'')*'(?!')"
_STRINGS: Final = later(_STRING)
_STATEMENT: Final = later(rf"(?:{_STRING}|[^';])+")
_INSERT: Final = later(
    r"\s*INSERT\s(?P<how>[\w\s]*)\bINTO\s+todos\s*\((?P<names>[\w\s,\"]+)\)\s*VALUES\s*(?P<rows>\(.*\))\s*",
    re.IGNORECASE | re.DOTALL,
)
_ROW: Final = later(rf"\(((?:{_STRING}|[^'()]|\([^'()]*\))*)\)")
_VALUE: Final = later(rf"\s*({_STRING})?(?:\([^)]*\)|[^',(])*(?:,|\Z)")
_CHANGE: Final = later(
    rf"\s*(?:UPDATE\s+todos\s+SET\s(?P<sets>(?:{_STRING}|(?!\bWHERE\b)[^'])*)|DELETE\s+FROM\s+todos\b\s*)"
    rf"(?:WHERE\s+id\s*(?:=|IN\s*\()\s*(?P<ids>{_STRING}(?:\s*,\s*{_STRING})*)\s*(?:\)\s*)?)?",
    re.IGNORECASE | re.DOTALL,
)
_STATUS: Final = later(rf"\bstatus\s*=\s*({_STRING})", re.IGNORECASE)
_PARTS: Final = later(r"^(?=diff --git )", re.MULTILINE)
_FILE: Final = later(r"diff --git a/?(?P<old>/?.+?) b/?(?P<new>/.+|[^/].*)$", re.MULTILINE)
_KIND: Final = later(r"^(create|new|deleted) file mode", re.MULTILINE)

_NUMBER: Final = later(r"^\d{1,6}\. ?", re.MULTILINE)
"""Before each line of a file that `view` shows (1.0.18 and 1.0.60; not 1.0.102)."""
_AS_DIFF: Final = later(r"\A\s*diff --git [^\n]*\n(?:(?!@@)[^\n]*\n){0,6}@@[^\n]*\n")
"""Before what was viewed or written, as if that were a change (VS Code's background agent, December 2025)."""
_READ_SHELLS: Final = ("read_bash", "stop_bash", "write_bash", "read_powershell", "stop_powershell")
"""Tools that read from or write to a command that keeps running."""
_QUIET_TOOLS: Final = ("report_intent", "task_complete")
"""Tools that only report what a separate record reports as well."""
_PLAN_TOOL: Final = "exit_plan_mode"
_PLAN_REFUSED: Final = "Plan not approved."
_MAX_QUERY_CHARS: Final = 10_000
_FROM_HOOKS: Final = later(
    r'(?<!\n)\n*Tool "[^"\n]*" (?:succeeded|failed)\. Additional guidance from \w+ hooks:.*\Z', re.DOTALL
)
# The first in 1.0.102, the others in 1.0.48.
SHELL_ENDED: Final = later(
    r"\n?<(?:shellId: \S+ completed|command with id: \S+ exited|exited) with exit code (?P<code>-?\d{1,10})>\s*\Z"
)
_RUNNING: Final = later(
    r"<(?:command (?:started in background )?with (?:shellId|ID)|waiting for command with sessionId): "
    r"(?P<shell>[^\s>]+)(?:\s[^<>\n]*)?>\s*\Z"
)
"""`shellId` since 1.0.48; the other forms are older (VS Code, December 2025)."""
_STOPPED: Final = later(r"<command with id: \S+ stopped>\s*\Z")
_NEVER_RAN: Final = later(
    r" in JSON at position \d|^Tool '.*' does not exist|^Multiple validation errors|\": Required\b"
    r"|^Permission to run this tool was denied due to |^Permission denied (?:and could not request|because no) "
)
_ANSWERED: Final = later(r"\AUser (?:selected: |responded:[ \n])")
"""What precedes an answer: `User selected: Cents` (1.0.48), `User responded: Cents` (1.0.102)."""
_SKIPPED_QUESTION: Final = ("User skipped", "The user is not available", "User declined", "The user declined")


class _OpenCall(base.OpenCall, frozen=True, omit_defaults=True):
    thread: str = ""
    """The sub-agent that made the call, if any."""
    question: str = ""
    query: str = ""
    """The SQL by which the call changes the todo list."""
    denied: bool = False
    """Whether the user rejected the call."""
    words: str = ""
    """What the user said on rejecting it."""


class LogContext(SessionContext, frozen=True, omit_defaults=True):
    """The state of a session's log between two records. `cwd`: the folder the session works in."""

    began: str | None = None
    """The folder it began in: of `folder`, a repository in the home folder (dotfiles), it may be no part."""
    folder: str | None = None
    """The project it began in. Work in another project belongs to another session, since a session has one project."""
    place: str | None = None
    """The project it works in now."""
    calls: tuple[_OpenCall, ...] = ()
    todos: dict[str, PlanItem] = msgspec.field(default_factory=dict)
    compacted_ms: int = 0
    """Time of the newest compaction, which removed a hook's text from the conversation; 0 if none since the client
    began."""
    prompted: bool = False
    """Whether a prompt has come since."""
    pushed: tuple[bytes, ...] = ()
    """Digests of what hooks gave the client to go on with at the end of a turn, which comes as a prompt."""


def session_in(context: LogContext, conversation: str) -> str:
    """Returns the session's id: a separate one once the conversation has moved away from its first project."""
    here = context.place
    return conversation if here in (None, context.folder) else session_in_other_cwd(conversation, digest(here)[:8])


class LogRecorder(OneSession[LogContext], kw_only=True):
    """Records one line of a log."""

    conversation: str

    def move_to(self, there: Fields) -> None:
        """Changes the folder that the session works in from this record on."""
        if cwd := usable_folder(text_of(there.get("cwd"))):
            place = usable_folder(text_of(there.get("gitRoot"))) or cwd
            began = self.context.began or self.context.folder or cwd
            self.change(cwd=cwd, place=place, began=began, folder=self.context.folder or place)
            self.session = session_in(self.context, self.conversation)
            if self.session == self.conversation:
                self.learn(branch=text_of(there.get("branch")))

    def put_facts_first(self) -> None:
        """Adds what was learned about the conversation before all else. It belongs to the folder that it began in."""
        self.put_news_first(self.conversation, self.context.began or self.context.folder)

    def parsed(self) -> tuple[LogContext, Parsed]:
        """Returns the next context and the result of the record, new facts about the session first.

        These belong to the first project, wherever the conversation is now.
        """
        if self.events and self.subagent_id is None and self.session == self.conversation:
            self.put_facts_first()
        return self.context, self.built()


def parse_call(recorder: LogRecorder) -> None:
    """Handles a tool call by the model, with any question or plan for the user, or a command that the user ran."""
    call_id, name = recorder.text("toolCallId"), recorder.text("toolName")
    if (
        not recorder.identify(recorder.kind, call_id, name)
        or name in _QUIET_TOOLS
        or base.known_call(recorder.context.calls, call_id)
    ):
        return
    raw = recorder.data.get("arguments", rawjson.ABSENT)
    given = fields_of(raw) or {"input": raw}  # a patch may be the only one
    name = editor_command(name, given)
    query = first_text(given, "query") if name == "sql" else ""
    cwd = recorder.context.cwd
    op = "plan" if "todos" in query.lower() else TOOLS.op(name)
    about = subject_in(name, op, given)
    call = _OpenCall(
        id=call_id,
        name=name,
        op=op,
        subject=about,
        thread=recorder.subagent_id or "",
        changes=_planned(op, given, cwd),
        question=about if op == "ask" else "",
        query=query if op == "plan" and len(query) <= _MAX_QUERY_CHARS else "",
        process=usable_name(first_text(given, "shellId", "sessionId")) if name in _READ_SHELLS else None,
        handoff=names_own_folder(" ".join((cwd or "", about, first_text(given, *_PATHS)))),
    )
    recorder.begin_call(call.by_user() if recorder.kind == "tool.user_requested" else call, "call")
    if call.question:
        # `choices` in 1.0.48, the fields of a form in 1.0.102.
        form = fields_of(inside(given.get("requestedSchema", rawjson.ABSENT), "properties")).values()
        listed = [given.get("choices"), *(fields_of(field).get("enum") for field in form)]
        options = tuple(filter(None, (text_of(choice) for choices in listed for choice in items_of(choices))))
        recorder.add(model.Question(call_id=call.id, text=call.question, options=options), "question")
    elif name == _PLAN_TOOL:
        recorder.add(model.PlanProposal(call_id=call.id, text=first_text(given, "summary")), "plan")


def parse_result(recorder: LogRecorder) -> None:
    """Adds the result of a call, and what followed from it if it succeeded."""
    if not recorder.text("toolCallId"):
        recorder.skip(recorder.kind, "unexpected shape")
    call = base.known_call(recorder.context.calls, recorder.text("toolCallId"))
    if call is None:  # a tool that only reports something, or a call that an abort has ended
        return
    outcome = _outcome(recorder, call)
    if isinstance(outcome, str):
        recorder.keep_open(base.with_changed(recorder.context.calls, call.id, process=outcome))
        _report_running(recorder, call, "running")
        return
    is_of_process = call.name in _READ_SHELLS and call.process is not None and outcome.exit_code is not None
    if is_of_process and _end_process(recorder, call.process, outcome):
        # What a process printed, and how it ended, belongs to the call that started it.
        outcome = ToolOutcome("ok")
    elif call.name in _READ_SHELLS and _STOPPED.search(outcome.output):
        _end_process(recorder, call.process, ToolOutcome("interrupted"))
    recorder.take_call(call.id)
    diff = text_of(inside(recorder.data.get("result", rawjson.ABSENT), "detailedContent"))
    changes = applied(call.changes, diff) if call.op in ("edit", "write") else call.changes
    recorder.end_call(call, outcome, changes=changes)
    if outcome.status == "ok" and not is_of_process:
        _add_what_followed(recorder, call, outcome)
    elif call.name == _PLAN_TOOL and outcome.status == "denied":
        recorder.add(model.PlanProposal(call_id=call.id, text="", accepted=False), "plan")


def parse_notification(recorder: LogRecorder) -> None:
    """Handles the end of a command that kept running, which the client reports to the model."""
    kind = fields_of(recorder.data.get("kind"))
    shell = text_of(kind.get("shellId"))
    if text_of(kind.get("type")) != "shell_completed" or not shell:
        return
    if number_of(kind.get("exitCode")) == 0:
        _end_process(recorder, shell, ToolOutcome("ok", exit_code=0))
    elif (call := base.started(recorder.context.calls, shell)) is not None:
        # What it printed is read by a separate call, if at all, which then ends it.
        recorder.add(model.BackgroundTask(task_id=call.id, state="done"), "ended.task")


def parse_decision(recorder: LogRecorder) -> None:
    """Handles the user's decision about a call or a plan; only a refusal and what was typed matter.

    The client decides for the user, too, and gives its own reason.
    """
    plan = fields_of(recorder.data.get("response"))
    decision = plan or fields_of(recorder.data.get("result"))
    by_user = recorder.text("decisionSource" if not plan else "actor") in ("", "human_response")
    words = text_of(decision.get("feedback")).strip() if by_user else ""
    is_refused = text_of(decision.get("kind")) in ("denied-interactively-by-user", "cancelled")
    if is_refused or bytes(plan.get("approved", rawjson.ABSENT)) == b"false":
        call_id = recorder.text("toolCallId")
        kept = bounded(words, _WORDS_CHARS)
        recorder.keep_open(base.with_changed(recorder.context.calls, call_id, denied=True, words=kept))
    if words and recorder.subagent_id is None:
        recorder.add(model.UserPrompt(text=words), "said")


def end_open_calls(recorder: LogRecorder) -> None:
    """Ends the open calls when the user stops the turn: they get no results."""
    thread = recorder.subagent_id
    waiting = [call for call in recorder.context.calls if thread is None or call.thread == thread]
    for number, call in enumerate(waiting):
        if call.process is not None and call.op == "shell":
            continue
        recorder.take_call(call.id)
        if call.thread == (thread or ""):
            denied = ToolOutcome("denied", never_ran=True, user_words=call.words)
            outcome = denied if call.denied else ToolOutcome("interrupted")
            recorder.end_call(call, outcome, result=f"{number}.result")


def _outcome(recorder: LogRecorder, call: _OpenCall) -> ToolOutcome | str:
    """Returns how a call ended, or the shell in which its command runs on."""
    result = fields_of(recorder.data.get("result"))
    error = fields_of(recorder.data.get("error"))
    # Text that hooks add for the model is at the end.
    text = _FROM_HOOKS.sub("", without_ansi(text_of(result.get("content")) or text_of(error.get("message"))))
    if call.name == _PLAN_TOOL and (call.denied or text.startswith(_PLAN_REFUSED)):
        return ToolOutcome("denied", text, user_words=call.words)
    if not is_true(recorder.data.get("success")):
        reason, never_ran = text_of(error.get("code")), _NEVER_RAN.search(text) is not None
        if call.denied or (reason in ("denied", "rejected") and not never_ran):
            return ToolOutcome("denied", text, never_ran=True, user_words=call.words)
        is_interrupted = reason in ("interrupted", "aborted", "cancelled")
        return ToolOutcome("interrupted" if is_interrupted else "error", text, never_ran=never_ran)
    ended = SHELL_ENDED.search(text)
    output = text[: ended.start()] if ended else text
    code = number_of(fields_of(recorder.data.get("shellExecution")).get("exitCode"))  # 1.0.102
    code = int(ended["code"]) if code is None and ended else code
    if code is not None:
        return ToolOutcome("ok" if code == 0 else "error", output, code)
    if call.op == "shell":
        # One that the user ran is never left running, so all of it is what it printed.
        running = _RUNNING.search(text) if call.actor == "model" else None
        return running["shell"] if running is not None else ToolOutcome("unknown", output)
    if call.name in _READ_SHELLS:  # of a command that runs on
        output = _RUNNING.sub("", output)
    if call.op in ("read", "edit", "write") and (head := _AS_DIFF.match(output)) is not None:
        output = "\n".join(line.removeprefix(" ") for line in output[head.end() :].splitlines())
    elif call.name == "view" and all(map(_NUMBER.match, output.splitlines())):
        output = _NUMBER.sub("", output)
    is_skipped = call.op == "ask" and _ANSWERED.sub("", output).startswith(_SKIPPED_QUESTION)
    return ToolOutcome("denied" if is_skipped else "ok", output)


def _report_running(recorder: LogRecorder, call: _OpenCall, part: str) -> None:
    recorder.add(model.BackgroundTask(task_id=call.id, state="running", label=bounded(call.subject, SHORT_CHARS)), part)


def _end_process(recorder: LogRecorder, process: str | None, outcome: ToolOutcome) -> bool:
    """Ends the call that left the process running; returns False if there is none."""
    call = base.started(recorder.context.calls, process)
    if call is None:
        return False
    recorder.take_call(call.id)
    recorder.end_call(call, outcome, result="ended.result", changes=())
    has_ended = outcome.status in ("ok", "error")
    recorder.add(model.BackgroundTask(task_id=call.id, state="done" if has_ended else "stopped"), "ended.task")
    if outcome.status == "ok":
        recorder.add_edits(call)
    return True


def _add_what_followed(recorder: LogRecorder, call: _OpenCall, outcome: ToolOutcome) -> None:
    if call.question and (text := _ANSWERED.sub("", outcome.output).strip()):
        recorder.add(model.Answer(call_id=call.id, question=call.question, text=text), "answer")
    elif call.name == _PLAN_TOOL:
        recorder.add(model.PlanProposal(call_id=call.id, text="", accepted=True), "plan")
    elif call.op == "agent":
        # Says how a sub-agent was run (1.0.48, 1.0.102). Its report is the sub-agent's text.
        telemetry = recorder.data.get("toolTelemetry", rawjson.ABSENT)
        if text_of(inside(telemetry, "properties", "execution_mode")) == "background":
            _report_running(recorder, call, "task")
    after = after_sql(recorder.context.todos, call.query)
    if [*after.items()] != [*recorder.context.todos.items()]:
        recorder.change(todos=after)
        recorder.add(plan_of(after), "todos")


def editor_command(name: str, given: Fields) -> str:
    """Returns the tool that a call amounts to: before 0.0.350, one tool both views and changes files, depending on
    `command`."""
    if name != "str_replace_editor":
        return name
    command = first_text(given, "command")
    return command if command in ("view", "create") else "edit"


def subject_in(name: str, op: Op, given: Fields) -> str:
    """Returns what a call is about according to its arguments, bounded."""
    return subject_of(op, TOOLS.about_call(name, op, given))


def _planned(op: Op, given: Fields, cwd: str | None) -> tuple[FileEdit, ...]:
    """Returns the changes that a call asks for, as far as its arguments show them."""
    if op == "shell":
        return _of_work(shell_files.changes(first_text(given, "command"), cwd))
    asked = by_arguments(op, given, cwd)
    return _of_work(msgspec.structs.replace(each, change="add") if op == "write" else each for each in asked)


def applied(planned: Sequence[FileEdit], diff: str) -> tuple[FileEdit, ...]:
    """Returns the changes that were made, with positions and counts from the diff."""
    known = {change.path: change for change in planned}
    for change in filter(None, map(_in_part, _PARTS.split(diff))):
        before = known.get(change.path, change)
        kind = "add" if before.change == "add" else change.change
        known[change.path] = msgspec.structs.replace(change, change=kind, old_path=before.old_path)
    return _of_work(known.values())


def _of_work(changes: Iterable[FileEdit]) -> tuple[FileEdit, ...]:
    return tuple(each for each in changes if not _OWN_FILES.search(each.path))[:_MOST_CHANGES]


def _in_part(part: str) -> FileEdit | None:
    header = _FILE.match(part)
    if header is None:
        return None
    path = resolved(header["new"].lstrip("/"), "/") or ""  # no slash is before a drive's letter
    kind = _KIND.search(part.partition("\n@@ ")[0])
    if kind is not None and kind[1] == "deleted":
        return FileEdit(path=path, change="delete")
    change = patched(path, hunks_in(part))
    return msgspec.structs.replace(change, change="modify" if kind is None else "add")


def after_sql(todos: Mapping[str, PlanItem], query: str) -> dict[str, PlanItem]:
    """Returns the rows, by id, after the statements in `query`, unchanged if none concerns them.

    Only plain ones are understood: those that insert rows of texts, and those that set a status or delete by id.
    """
    known = dict(todos)
    for statement in _STATEMENT.findall(query):
        if found := _INSERT.fullmatch(statement):
            names = [name.strip(' "\n\t').lower() for name in found["names"].split(",")]
            for values in _ROW.findall(found["rows"]):
                row = {name: _text(value) for name, value in zip(names, _VALUE.findall(values), strict=False)}
                ident = row.get("id", "")
                text = row.get("title") or row.get("description", "")
                is_ignored = ident in known and "ignore" in found["how"].lower()
                if 0 < len(ident) <= MAX_NAME_CHARS and text and not is_ignored:
                    state = PLAN_STATES.get(row.get("status", "").lower(), "pending")
                    known[ident] = PlanItem(text=bounded(text, SHORT_CHARS), state=state)
        elif found := _CHANGE.fullmatch(statement):
            ids = list(known) if found["ids"] is None else map(_text, _STRINGS.findall(found["ids"]))
            status = _STATUS.search(found["sets"] or "")
            for ident in filter(known.__contains__, ids):
                if found["sets"] is None:
                    del known[ident]
                elif status is not None:
                    state = PLAN_STATES.get(_text(status[1]).lower(), "pending")
                    known[ident] = msgspec.structs.replace(known[ident], state=state)
    return dict([*known.items()][-MOST_TODOS:])


def _text(quoted: str) -> str:
    return quoted[1:-1].replace("''", "'")
