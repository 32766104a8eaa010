"""What Cursor's stores hold as far as we rely on it, what is remembered between two records, and how one is recorded:
the table of the tools, what a call is about and changes, how it ended, its questions and todo lists.

Any field may be missing or have another type. Reported for builds of 2025 and 2026 (`_v` 3 to 18 of the editor's
conversations, 3 of bubbles). Arguments are the JSON that the store holds. Names and fields: FACTS.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, Literal

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.agents.cursor.folders import folder_named, folder_with
from carryover.model import Answer, FileEdit, Op, PlanItem
from carryover.records import rawjson, shell_files
from carryover.records.asked import MOST_TODOS, PLAN_STATES, Asked, asked_in
from carryover.records.changes import planned
from carryover.records.fields import LATEST_MS, MAX_NAME_CHARS, SHORT_CHARS, bounded, resolved, subject_of
from carryover.records.lenient import Fields, fields_of, first_text, is_true, items_of, number_of, text_of
from carryover.records.patches import files_in_patch, in_patch
from carryover.records.text import names_own_folder, without_ansi
from carryover.records.uris import path_of
from carryover.text.pattern import later
from carryover.transcript import recorder as base
from carryover.transcript.recorder import Tools, usable_folder
from carryover.transcript.stored import Reported, StoredBuilder, StoredContext, StoredFacts, StoredRecord

_VERSION: Final = later(r"_?v\d+$")


@lru_cache(maxsize=256)
def plain_name(name: str) -> str:
    """Normalises a tool's name for comparison: no case, underscores or version."""
    return _VERSION.sub("", name.lower()).replace("_", "").replace("-", "")


_PATHS: Final = ("relativeWorkspacePath", "target_file", "targetFile", "file_path", "path", "target_notebook")
_PATTERNS: Final = ("pattern", "glob_pattern", "globPattern", "query", "search_term", "searchTerm")
_DIRECTORIES: Final = ("target_directory", "targetDirectory", "directoryPath", "relative_workspace_path")
_TELLING: Final = ("command", *_PATHS, *_PATTERNS, "url", *_DIRECTORIES)
TOOLS: Final = Tools(
    {
        "shell": "shell runterminalcmd runterminalcommand terminal",
        "read": "read readfile readlints readnotebook fetchrules",
        "edit": "edit editfile searchreplace strreplace multiedit multistrreplace applypatch editnotebook reapply "
        "delete deletefile",
        "write": "write writefile createfile",
        "search": "grep rg grepsearch ripgrep ripgreprawsearch glob globfilesearch filesearch listdir ls "
        "codebasesearch semanticsearch semanticsearchfull",
        "web": "websearch webfetch fetch",
        "plan": "todowrite todoread createplan",
        "ask": "askquestion askfollowupquestion",
        "agent": "task subagent",
    },
    about=_TELLING,
    about_by_op={
        "search": (*_PATTERNS, *_PATHS, *_DIRECTORIES),
        "web": ("url", "search_term", "searchTerm", "query"),
        "agent": ("description", "title", "name", "prompt"),
        "plan": ("name", "title"),
        "ask": ("question", "title"),
        "other": ("description", *_TELLING, "name", "title"),
    },
    plain=plain_name,
)
_FOLDERS: Final = ("working_directory", "cwd")
_MENTIONED: Final = later(r"(?<![\w.~/-])/[\w./@+-]+")
_MAX_MENTIONED: Final = 20
_EXIT_CODE: Final = later(r"\s*Exit code: (-?\d{1,10})[ \t]*(?:\n\s*Command output:[ \t]*)?(?:\n|\Z)")
_ERROR: Final = later(r"\s*(?:Error|Error calling tool|Tool error)\b ?:")
_ASKED_FOR: Final = ("shell", "edit", "write")
"""Operations that the user may reject, which only a field says: a result is what a tool, a page or a file says."""
_MAX_CHANGES: Final = 10
"""Most changes kept for one call."""


class CursorConversation(StoredFacts, frozen=True, omit_defaults=True):
    """Facts that every record of a database repeats. `folders`: the window's, absolute.

    `root` is the conversation's own id while it is unknown for which one a sub-agent works.
    """

    folders: tuple[str, ...] = ()


class StoreRecord(StoredRecord, frozen=True, omit_defaults=True):
    """A record that a database's reader emits: the beginning of a conversation, a bubble of the editor, a message of a
    chat, something skipped or, last, the state of the whole conversation. `at_ms` of a message: when its chat was made.
    """

    session: CursorConversation
    noted_ms: int = 0
    """When the chat was last changed."""
    id: str = ""
    """Of a bubble or a message; with a state, of the bubble that ended the turn."""
    type: int | None = None
    """Of the bubble's header."""
    bubble: Fields = msgspec.field(default_factory=dict)
    aborted: bool = False
    """Whether the turn was broken off at this bubble."""
    goes_on: bool = False
    """Whether it is a text right behind another one, but for a thought."""
    message: Fields | None = None
    status: str = ""
    """How the last turn ended; empty while it runs."""
    todos: msgspec.Raw = rawjson.ABSENT
    summary: msgspec.Raw = rawjson.ABSENT
    what: Literal["", "conversation", "bubble", "message"] = ""
    why: Literal["", "remote workspace", "not JSON", "unexpected root"] = ""
    """What is skipped, and the reason."""


class _OpenCall(base.OpenCall, frozen=True, omit_defaults=True):
    questions: tuple[str, ...] = ()


class TalkContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of a source that holds one conversation."""

    cwd: str | None = None
    last_ms: int = 0
    """Time of the last record; records without a time come 1 ms later."""
    noted_ms: int = 0
    """When a transcript had last changed at the time it was last read."""
    timed: bool = False
    """Whether any record had its own time, so that times from elsewhere are no longer used."""
    marks: bool = False
    """Whether the client marks what the user typed, so that a message without the mark is the client's."""
    calls: tuple[_OpenCall, ...] = ()
    todos: dict[str, PlanItem] = {}
    spoke: bool = False
    """Whether the last thing was a text of the agent's, so that another one goes on with it."""


class CursorContext(StoredContext, frozen=True, omit_defaults=True):
    """The state of one source between two records. `reported` is for databases only."""

    talk: TalkContext = TalkContext()
    reported: dict[str, Reported] = msgspec.field(default_factory=dict, name="told")
    """Stored under its first name, so that a conversation keeps its folder."""


class CursorRecorder(StoredBuilder, kw_only=True):
    """Records one record of any store. `slug` identifies the folder of a transcript; None: a database."""

    context: CursorContext
    native: CursorConversation
    kind: str = "record"
    slug: str | None = None

    def change_talk(self, **changes: object) -> None:
        """Replaces fields of the state of a source that holds one conversation."""
        self.change(talk=msgspec.structs.replace(self.context.talk, **changes))

    @property
    def open_calls(self) -> tuple[base.OpenCall, ...]:
        """The calls of the source's one conversation; a bubble of the editor has its result with it."""
        return self.context.talk.calls

    def keep_open(self, calls: tuple[base.OpenCall, ...]) -> None:
        """Replaces the open calls."""
        self.change_talk(calls=calls)

    def place(self, noted_ms: int, own_ms: int = 0) -> None:
        """Sets the record's time or, without one, a time just after the record before; never an earlier one.

        If no record of the source has a time, it is the source's modification time when it was read.
        """
        talk = self.context.talk
        after = talk.last_ms + 1 if talk.last_ms else 0
        timed = talk.timed or own_ms > 0
        self.at_ms = min(max(after, own_ms if timed else noted_ms, 0), LATEST_MS)
        self.change_talk(last_ms=self.at_ms, timed=timed)

    @property
    def cwd(self) -> str | None:
        """The folder that the conversation works in; None while it is unknown."""
        if self.slug is not None:
            return self.context.talk.cwd
        folders = self.folders
        if len(folders) == 1:
            return folders[0]
        return self.reported.folder if self.reported.folder in folders else None

    @property
    def folders(self) -> tuple[str, ...]:
        """The window's folders, as far as they are usable."""
        return tuple(filter(usable_folder, self.native.folders))

    def learn_folder(self, paths: Iterable[str]) -> None:
        """Remembers the conversation's folder once a path is mentioned that is certainly in it.

        It is the folder with the transcript's slug, or the one of the window's folders that holds the file.
        """
        if self.cwd is not None:
            return
        if self.slug is not None:
            slug = self.slug
            found = (folder_with(slug, path) for path in paths)
            self.change_talk(cwd=_absolute(next(filter(None, found), ""), None))
        else:
            held = (folder_named(self.folders, path) for path in paths)
            self.report(folder=next(filter(None, held), None))

    def call(self, call_id: str, name: str, given: Fields, part: str, *, stays_open: bool = True) -> _OpenCall | None:
        """Adds a tool call and any question in its arguments. It stays open if its result is in another record."""
        if not self.identify("tool-call", call_id, name):
            return None
        self.learn_folder(_paths_in(given))
        call = read_call(call_id, name, given, self.cwd)
        asked = questions_in(given) if call.op == "ask" else ()
        if stays_open:
            self.begin_call(call, part, asked, question=f"{part}.question")
        else:
            self.add_call(call, part, asked)
        return call

    def result(self, call: base.OpenCall, outcome: ToolOutcome, part: str, within: str = "") -> None:
        """Adds the result of a call, and its changes or the user's answer if it succeeded. `within` prefixes the names
        of its parts."""
        self.end_call(call, outcome, result=part, edit=f"{within}edit")
        said = outcome.output.strip() if outcome.status == "ok" else ""
        if isinstance(call, _OpenCall) and call.questions and said:
            self.add(Answer(call_id=call.id, question=" / ".join(call.questions), text=said), f"{within}answer")

    def close_calls(self, *, went_on: bool) -> None:
        """Ends the open calls when the model continues or its turn ends, since a transcript has no results.

        Edits count as applied if the turn `went_on`; the outcome of a command is unknown.
        """
        for number, call in enumerate(self.open_calls):
            self.take_call(call.id)
            self.end_call(call, ToolOutcome("unknown"), result=f"closed{number}")
            if went_on and call.op in ("edit", "write"):
                self.add_edits(call, edit=f"edit{number}.")


def arguments_in(*forms: msgspec.Raw) -> Fields:
    """Returns the arguments of a call from the best of the forms in which they may be stored; a patch may be the
    only one."""
    given = next(filter(None, map(fields_of, forms)), {})
    patch = next((raw for raw in forms if text_of(raw)), None)
    return given or ({"patch": patch} if patch is not None else {})


def read_call(ident: str, name: str, given: Fields, cwd: str | None) -> _OpenCall:
    """Returns a call with what it is about, asks and changes. `cwd` is the workspace folder, if it is known."""
    op, plain = TOOLS.op(name), plain_name(name)
    patch = first_text(given, "patch", "input") if plain == "applypatch" else ""
    asked = questions_in(given) if op == "ask" else ()
    if asked:
        about = asked[0].question
    elif patch:
        about = ", ".join(files_in_patch(patch))
    elif plain == "callmcptool" and (mcp := first_text(given, "toolName")):
        about = f"{first_text(given, 'server')} {mcp}".strip()
    else:
        about = TOOLS.about(op, given)
    changes = in_patch(patch, cwd) if patch else _changes(op, plain, given, cwd)
    named = " ".join((cwd or "", first_text(given, "command"), first_text(given, *_PATHS)))
    return _OpenCall(
        id=ident,
        name=name,
        op=op,
        subject=subject_of(op, about),
        changes=changes[:_MAX_CHANGES],
        handoff=bool(given) and names_own_folder(named),
        questions=tuple(bounded(one.question, SHORT_CHARS) for one in asked),
    )


def _changes(op: Op, name: str, given: Fields, cwd: str | None) -> tuple[FileEdit, ...]:
    """Returns the file changes that a call makes if it succeeds.

    Nothing shows whether a written file existed, so how much of it is new stays unknown. A shell keeps the folder that
    an earlier command changed to, so only changes in a folder that the command itself names are certain.
    """
    if op == "shell":
        folder = first_text(given, *_FOLDERS)
        return shell_files.changes(first_text(given, "command"), folder if folder.startswith("/") else None)
    path = _absolute(first_text(given, *_PATHS), cwd) if op in ("edit", "write") else None
    if path is None:
        return ()
    if name in ("delete", "deletefile"):
        return (FileEdit(path=path, change="delete"),)
    change = planned(path, given)
    is_whole = "content" in given or "contents" in given
    return (msgspec.structs.replace(change, added=None, removed=None, line=None) if is_whole else change,)


def _paths_in(given: Fields) -> list[str]:
    """Returns the paths in a call's arguments, and the absolute ones in its command."""
    named = (text_of(given.get(name)) for name in (*_PATHS, *_FOLDERS, *_DIRECTORIES))
    return [*filter(None, named), *_MENTIONED.findall(first_text(given, "command"))[:_MAX_MENTIONED]]


def _absolute(path: str, cwd: str | None) -> str | None:
    """Returns a path or `file:` URI in the arguments as an absolute path; None if that is not possible."""
    plain = path_of(path)
    return usable_folder(resolved(plain, cwd)) if plain else None


def outcome_of(op: Op, result: msgspec.Raw) -> ToolOutcome:
    """Determines how a call ended from its result: a text, a list of content blocks or an object.

    A command that ran and failed is recognised by its exit code only, since its output may begin in any way.
    """
    text = rawjson.content_text(result)
    if text is not None:
        return outcome_in(op, without_ansi(text))
    given = fields_of(result)
    if not given and bytes(result).strip() != b"{}":
        return ToolOutcome("unknown")
    output = without_ansi(first_text(given, "output", "contents"))
    if is_true(given.get("rejected")) and op in _ASKED_FOR:
        return ToolOutcome("denied", output, never_ran=True)
    if text_of(given.get("endedReason")).endswith("_ABORTED"):
        return ToolOutcome("interrupted", output)
    code = _exit_code(given)
    if error := text_of(given.get("error")):
        return ToolOutcome("error", output or error, exit_code=code)
    return ToolOutcome("error" if code else "ok", output, exit_code=code)


def _exit_code(given: Fields) -> int | None:
    """Returns the exit code.

    `run_terminal_command_v2` leaves out 0; its results show neither why the command ended nor that it still runs.
    """
    for name in ("exitCode", "exitCodeV2"):
        if (code := number_of(given.get(name))) is not None:
            return code
    is_v2 = not {"endedReason", "isRunningInBackground", "poppedOutIntoBackground"} & given.keys()
    return 0 if is_v2 and is_true(given.get("notInterrupted")) and "output" in given else None


def outcome_in(op: Op, text: str) -> ToolOutcome:
    """Determines how a call ended from the text of its result."""
    if op == "shell" and (found := _EXIT_CODE.match(text)):
        return ToolOutcome("error" if int(found[1]) else "ok", text[found.end() :], exit_code=int(found[1]))
    if found := _ERROR.match(text):
        return ToolOutcome("error", text[found.end() :].strip())
    # A command without an exit code: there is output, but no field shows how it ended.
    return ToolOutcome("unknown" if op == "shell" else "ok", text)


def todos_after(todos: Mapping[str, PlanItem], args: Fields) -> dict[str, PlanItem] | None:
    """Returns the list, by id, after a TodoWrite call; None if its arguments have another shape.

    With `merge`, only the entries it names change.
    """
    listed = args.get("todos", rawjson.ABSENT)
    if bytes(listed)[:1] != b"[":
        return None
    kept = dict(todos) if is_true(args.get("merge")) else {}
    for number, entry in enumerate(map(fields_of, items_of(listed))):
        given = number_of(entry.get("id"))
        ident = (text_of(entry.get("id")) or str(number if given is None else given))[:MAX_NAME_CHARS]
        former = kept.get(ident)
        status = text_of(entry.get("status"))
        text = bounded(text_of(entry.get("content")), SHORT_CHARS) or (former.text if former else "")
        if status == "cancelled" or not text:
            kept.pop(ident, None)
        else:
            state = former.state if former and not status else PLAN_STATES.get(status, "pending")
            kept[ident] = PlanItem(text=text, state=state)
    return dict([*kept.items()][:MOST_TODOS])


def questions_in(given: Fields) -> Sequence[Asked]:
    """Returns the questions of a call with their choices; empty if its arguments have another shape (FACTS.md)."""
    return asked_in(given.get("questions")) or asked_in(msgspec.Raw(msgspec.json.encode([given])))
