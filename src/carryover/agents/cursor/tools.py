"""Tool calls of every store: what a call is about and changes, how it ended, its questions and todo lists.

Names differ by store and version (`run_terminal_cmd`, `run_terminal_command_v2`, `Shell`), so they are compared without
case, underscores and version. Arguments are the JSON that the store holds; each field may have any type. Names and
fields: FACTS.md.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.model import Op, PlanState
from carryover.records import rawjson, shell_files
from carryover.records.asked import Asked, Todo
from carryover.records.changes import Change, planned
from carryover.records.fields import MAX_NAME_CHARS, MAX_PATH_CHARS, SHORT_CHARS, SUBJECT_CHARS, bounded, resolved
from carryover.records.lenient import Fields, fields_of, first_text, is_true, items_of, number_of, text_of
from carryover.records.patches import files_in_patch, in_patch
from carryover.records.text import names_handoff_file, names_own_folder, without_ansi
from carryover.records.uris import path_of
from carryover.text.pattern import later
from carryover.transcript.recorder import Tools

_VERSION: Final = later(r"_?v\d+$")


@lru_cache(maxsize=256)
def plain_name(name: str) -> str:
    """Normalises a tool's name for comparison: no case, underscores or version."""
    return _VERSION.sub("", name.lower()).replace("_", "").replace("-", "")


PATHS: Final = ("relativeWorkspacePath", "target_file", "targetFile", "file_path", "path", "target_notebook")
_PATTERNS: Final = ("pattern", "glob_pattern", "globPattern", "query", "search_term")
_DIRECTORIES: Final = ("target_directory", "targetDirectory", "directoryPath", "relative_workspace_path")
_TELLING: Final = ("command", *PATHS, *_PATTERNS, "url", *_DIRECTORIES)
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
        "search": (*_PATTERNS, *PATHS, *_DIRECTORIES),
        "web": ("url", "search_term", "query"),
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
_MAX_TODOS: Final = 100
_MAX_QUESTIONS: Final = 6
"""Most questions of one call; Cursor's own form has fewer."""
_MAX_CHANGES: Final = 10
"""Most changes kept for one call."""
_STATES: Final[dict[str, PlanState]] = {"in_progress": "active", "completed": "done"}


def arguments_in(*forms: msgspec.Raw) -> Fields:
    """Returns the arguments of a call from the best of the forms in which they may be stored; a patch may be the
    only one."""
    given = next(filter(None, map(fields_of, forms)), {})
    patch = next((raw for raw in forms if text_of(raw)), None)
    return given or ({"patch": patch} if patch is not None else {})


def subject_of(name: str, given: Fields) -> str:
    """Returns the subject of a call, bounded: the command, path, pattern or description; empty without one."""
    if patch := _patch_of(name, given):
        return bounded(", ".join(files_in_patch(patch)), SUBJECT_CHARS)
    if plain_name(name) == "callmcptool" and (mcp := first_text(given, "toolName")):
        return bounded(f"{first_text(given, 'server')} {mcp}".strip(), SUBJECT_CHARS)
    return bounded(TOOLS.about(TOOLS.op(name), given), SUBJECT_CHARS)


def looks_at_handoff(given: Fields, cwd: str | None = None) -> bool:
    """Whether a call reads or writes Carryover's own files, whose text must not be read as news."""
    about = (cwd or "", first_text(given, "command"), first_text(given, *PATHS))
    return bool(given) and names_own_folder(" ".join(about))


def paths_in(given: Fields) -> list[str]:
    """Returns the paths in a call's arguments, and the absolute ones in its command."""
    named = (text_of(given.get(name)) for name in (*PATHS, *_FOLDERS, *_DIRECTORIES))
    return [*filter(None, named), *_MENTIONED.findall(first_text(given, "command"))[:_MAX_MENTIONED]]


def changes_of(name: str, given: Fields, cwd: str | None) -> tuple[Change, ...]:
    """Returns the file changes that a call makes if it succeeds. `cwd` is the workspace folder, if it is known.

    Nothing shows whether a written file existed, so how much of it is new stays unknown. A shell keeps the folder that
    an earlier command changed to, so only changes in a folder that the command itself names are certain.
    """
    op = TOOLS.op(name)
    found: tuple[Change, ...] = ()
    if op == "shell":
        folder = first_text(given, *_FOLDERS)
        found = shell_files.changes(first_text(given, "command"), folder if folder.startswith("/") else None)
    elif patch := _patch_of(name, given):
        found = in_patch(patch, cwd)
    elif op in ("edit", "write") and (change := _change(plain_name(name), given, cwd)) is not None:
        found = (change,)
    return tuple(change for change in found if not names_handoff_file(change.path))[:_MAX_CHANGES]


def absolute(path: str, cwd: str | None) -> str | None:
    """Returns a path or `file:` URI in the arguments as an absolute path; None if that is not possible."""
    plain = path_of(path)
    found = resolved(plain, cwd) if plain else None
    return found if found is not None and len(found) <= MAX_PATH_CHARS and "\0" not in found else None


def _patch_of(name: str, given: Fields) -> str:
    """Returns the patch of an `apply_patch` call; empty for other calls."""
    return first_text(given, "patch", "input") if plain_name(name) == "applypatch" else ""


def _change(name: str, given: Fields, cwd: str | None) -> Change | None:
    path = absolute(first_text(given, *PATHS), cwd)
    if path is None:
        return None
    if name in ("delete", "deletefile"):
        return Change(path=path, change="delete")
    if "contents" in given:
        given = {"content": given["contents"], **given}
    change = planned(path, given)
    return msgspec.structs.replace(change, added=None, removed=None, line=None) if "content" in given else change


def outcome_of(op: Op, result: msgspec.Raw) -> ToolOutcome:
    """Determines how a call ended from its result: a text, a list of content blocks or an object.

    A command that ran and failed is recognised by its exit code only, since its output may begin in any way.
    """
    text = rawjson.text_of(result)
    if text is not None:
        return _outcome_in(op, without_ansi(text))
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


def _outcome_in(op: Op, text: str) -> ToolOutcome:
    """Determines how a call ended from the text of its result."""
    if op == "shell" and (found := _EXIT_CODE.match(text)):
        return ToolOutcome("error" if int(found[1]) else "ok", text[found.end() :], exit_code=int(found[1]))
    if found := _ERROR.match(text):
        return ToolOutcome("error", text[found.end() :].strip())
    # A command without an exit code: there is output, but no field shows how it ended.
    return ToolOutcome("unknown" if op == "shell" else "ok", text)


def todos_after(todos: tuple[Todo, ...], args: Fields) -> tuple[Todo, ...] | None:
    """Returns the list after a TodoWrite call; None if its arguments have another shape.

    With `merge`, only the entries it names change.
    """
    listed = args.get("todos", rawjson.ABSENT)
    if bytes(listed)[:1] != b"[":
        return None
    kept = {todo.id: todo for todo in todos} if is_true(args.get("merge")) else {}
    for number, entry in enumerate(map(fields_of, items_of(listed))):
        given = number_of(entry.get("id"))
        ident = (text_of(entry.get("id")) or str(number if given is None else given))[:MAX_NAME_CHARS]
        former = kept.get(ident)
        status = text_of(entry.get("status"))
        text = bounded(text_of(entry.get("content")), SHORT_CHARS) or (former.text if former else "")
        if status == "cancelled" or not text:
            kept.pop(ident, None)
        else:
            state = former.state if former and not status else _STATES.get(status, "pending")
            kept[ident] = Todo(id=ident, text=text, state=state)
    return tuple(kept.values())[:_MAX_TODOS]


def questions_in(given: Fields) -> tuple[Asked, ...]:
    """Returns the questions of a call with their choices; empty if its arguments have another shape (FACTS.md)."""
    asked = list(map(fields_of, items_of(given.get("questions")))) or [given]
    found = (
        Asked(text, options=tuple(map(_label, items_of(one.get("options")))))
        for one in asked
        if (text := first_text(one, "prompt", "question"))
    )
    return tuple(found)[:_MAX_QUESTIONS]


def _label(raw: msgspec.Raw) -> str:
    return text_of(raw) or first_text(fields_of(raw), "label", "id")
