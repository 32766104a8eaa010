"""Tool calls, alike in every store: what a tool does, what a call is about, and what a success of it changed.

The names differ by store and version (`run_terminal_cmd`, `run_terminal_command_v2`, `Shell`), so they are compared
without case, underscores and version. Arguments come as the JSON the store holds; each field may have any type.
Names and fields: FACTS.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec

from carryover.agents.cursor.terms.patches import patch_changes, patched_files
from carryover.agents.cursor.terms.uris import path_of
from carryover.model import Op
from carryover.records import rawjson, shell_files
from carryover.records.bounds import MAX_PATH_CHARS, SUBJECT_CHARS, bounded
from carryover.records.changes import Change, Replacement, replaced, written
from carryover.records.paths import resolved
from carryover.records.text import HANDOFF_FILE, names_own_folder

_NAMES: Final[dict[Op, str]] = {
    "shell": "shell runterminalcmd runterminalcommand terminal",
    "read": "read readfile readlints readnotebook fetchrules",
    "edit": "edit editfile searchreplace strreplace multiedit multistrreplace applypatch editnotebook reapply "
    "delete deletefile",
    "write": "write writefile createfile",
    "search": "grep grepsearch ripgrep ripgreprawsearch glob globfilesearch filesearch listdir ls codebasesearch "
    "semanticsearch semanticsearchfull",
    "web": "websearch webfetch fetch",
    "plan": "todowrite todoread createplan",
    "ask": "askquestion askfollowupquestion",
    "agent": "task subagent",
}
OPS: Final[dict[str, Op]] = {name: op for op, names in _NAMES.items() for name in names.split()}
"""What the known tools do. Every other tool, those of MCP servers among them, is `other`."""

_DELETES: Final = frozenset(("delete", "deletefile"))
_VERSION: Final = re.compile(r"_?v\d+$")


class Arguments(msgspec.Struct, frozen=True, rename={"relative_workspace_path": "relativeWorkspacePath"}):
    """The arguments that may say what a call is about or changes, each of any type."""

    command: msgspec.Raw = rawjson.ABSENT
    working_directory: msgspec.Raw = rawjson.ABSENT
    cwd: msgspec.Raw = rawjson.ABSENT
    relative_workspace_path: msgspec.Raw = rawjson.ABSENT
    target_file: msgspec.Raw = rawjson.ABSENT
    file_path: msgspec.Raw = rawjson.ABSENT
    path: msgspec.Raw = rawjson.ABSENT
    target_notebook: msgspec.Raw = rawjson.ABSENT
    target_directory: msgspec.Raw = rawjson.ABSENT
    pattern: msgspec.Raw = rawjson.ABSENT
    glob_pattern: msgspec.Raw = rawjson.ABSENT
    query: msgspec.Raw = rawjson.ABSENT
    search_term: msgspec.Raw = rawjson.ABSENT
    url: msgspec.Raw = rawjson.ABSENT
    name: msgspec.Raw = rawjson.ABSENT
    description: msgspec.Raw = rawjson.ABSENT
    prompt: msgspec.Raw = rawjson.ABSENT
    title: msgspec.Raw = rawjson.ABSENT
    question: msgspec.Raw = rawjson.ABSENT
    contents: msgspec.Raw = rawjson.ABSENT
    content: msgspec.Raw = rawjson.ABSENT
    old_string: msgspec.Raw = rawjson.ABSENT
    new_string: msgspec.Raw = rawjson.ABSENT
    replace_all: msgspec.Raw = rawjson.ABSENT
    edits: msgspec.Raw = rawjson.ABSENT
    patch: msgspec.Raw = rawjson.ABSENT
    input: msgspec.Raw = rawjson.ABSENT

    def first(self, *names: str) -> str:
        """The first of these fields that holds a text."""
        for name in names:
            raw = getattr(self, name)
            if raw is not rawjson.ABSENT and (text := rawjson.string_of(raw)):
                return text
        return ""


PATHS: Final = ("relative_workspace_path", "target_file", "file_path", "path", "target_notebook")
_TELLING: Final = ("command", *PATHS, "pattern", "glob_pattern", "query", "search_term", "url", "target_directory")
_ABOUT: Final[dict[Op, tuple[str, ...]]] = {
    "search": ("pattern", "glob_pattern", "query", "search_term", *PATHS, "target_directory"),
    "web": ("url", "search_term", "query"),
    "agent": ("description", "title", "name", "prompt"),
    "plan": ("name", "title"),
    "ask": ("question", "title"),
    "other": ("description", *_TELLING, "name", "title"),
}


class McpArguments(msgspec.Struct, frozen=True, rename={"tool_name": "toolName"}):
    """Arguments of CallMcpTool."""

    server: str = ""
    tool_name: str = ""


def op_of(name: str) -> Op:
    """What a tool does."""
    return OPS.get(plain_name(name), "other")


@lru_cache(maxsize=256)
def plain_name(name: str) -> str:
    """A tool's name as it is compared: without case, underscores and version."""
    return _VERSION.sub("", name.lower()).replace("_", "").replace("-", "")


def subject_of(name: str, args: msgspec.Raw) -> str:
    """What a call is about, bounded: the command, path, pattern or description. Empty where the arguments tell none."""
    op = op_of(name)
    if patch := _patch_of(name, args):
        return bounded(", ".join(patched_files(patch)), SUBJECT_CHARS)
    given = rawjson.part_of(args, Arguments)
    if given is None:
        return ""
    if plain_name(name) == "callmcptool" and (mcp := rawjson.part_of(args, McpArguments)) is not None and mcp.tool_name:
        return bounded(f"{mcp.server} {mcp.tool_name}".strip(), SUBJECT_CHARS)
    return bounded(given.first(*_ABOUT.get(op, _TELLING)), SUBJECT_CHARS)


def looks_at_handoff(args: msgspec.Raw, cwd: str | None = None) -> bool:
    """Whether a call is about Carryover's own files, whose text must not come back as something that happened."""
    given = rawjson.part_of(args, Arguments)
    return given is not None and names_own_folder(" ".join((cwd or "", given.first("command"), given.first(*PATHS))))


def changes_of(name: str, args: msgspec.Raw, cwd: str | None) -> tuple[Change, ...]:
    """The file changes that a call will have made if it succeeds; `cwd` is the workspace folder, where it is known.

    Nothing tells whether a written file existed, so how much of it is new stays unknown. A shell keeps the folder that
    an earlier command went to, so of a command only what it did in a folder that the call itself names is certain.
    """
    op = op_of(name)
    if op not in ("edit", "write", "shell"):
        return ()
    given = rawjson.part_of(args, Arguments)
    if op == "shell":
        found = shell_files.changes(given.first("command"), _named_folder(given)) if given is not None else ()
    elif patch := _patch_of(name, args):
        found = patch_changes(patch, cwd)
    else:
        change = _change(plain_name(name), given, cwd) if given is not None else None
        found = (change,) if change is not None else ()
    return tuple(change for change in found if _is_work(change))


def absolute(path: str, cwd: str | None) -> str | None:
    """A path or `file:` URI of the arguments as an absolute path; None where there is none that can be kept."""
    plain = path_of(path)
    found = resolved(plain, cwd) if plain else None
    return found if found is not None and len(found) <= MAX_PATH_CHARS and "\0" not in found else None


def _named_folder(given: Arguments) -> str | None:
    folder = given.first("working_directory", "cwd")
    return folder if folder.startswith("/") else None


def _patch_of(name: str, args: msgspec.Raw) -> str:
    """The text of an `apply_patch` call: its arguments are an object that holds it, or the text itself."""
    if plain_name(name) != "applypatch":
        return ""
    given = rawjson.part_of(args, Arguments)
    return given.first("patch", "input") if given is not None else rawjson.string_of(args) or ""


def _change(name: str, given: Arguments, cwd: str | None) -> Change | None:
    path = absolute(given.first(*PATHS), cwd)
    if path is None:
        return None
    if name in _DELETES:
        return Change(path=path, change="delete")
    content = _text(given, "contents", "content")
    if content is not None:
        return msgspec.structs.replace(written(path, content), added=None, removed=None, line=None)
    pairs = list(_pairs(given))
    return replaced(path, pairs, counted=bool(pairs) and bytes(given.replace_all) != b"true")


def _pairs(given: Arguments) -> Iterable[Replacement]:
    old, new = _text(given, "old_string"), _text(given, "new_string")
    if old is not None or new is not None:
        return (Replacement(old_string=old or "", new_string=new or ""),)
    return rawjson.part_of(given.edits, list[Replacement]) or ()


def _text(given: Arguments, *names: str) -> str | None:
    """The first of these fields that is a string, which may be empty."""
    for name in names:
        raw = getattr(given, name)
        if raw is not rawjson.ABSENT and (text := rawjson.string_of(raw)) is not None:
            return text
    return None


def _is_work(change: Change) -> bool:
    return not change.path.replace("\\", "/").endswith(HANDOFF_FILE) and absolute(change.path, None) is not None
