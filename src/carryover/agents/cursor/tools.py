"""Tool calls of every store: what a tool does, what a call is about, and what its success changed.

Names differ by store and version (`run_terminal_cmd`, `run_terminal_command_v2`, `Shell`), so they are compared without
case, underscores and version. Arguments are the JSON that the store holds; each field may have any type. Names and
fields: FACTS.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Final

import msgspec

from carryover.model import Op
from carryover.records import rawjson, shell_files
from carryover.records.changes import Change, Replacement, replaced, written
from carryover.records.fields import MAX_PATH_CHARS, SUBJECT_CHARS, bounded, resolved
from carryover.records.lenient import Fields, fields_of, first_text, text_of
from carryover.records.patches import files_in_patch, in_patch
from carryover.records.text import HANDOFF_FILE, names_own_folder
from carryover.records.uris import path_of

_NAMES: Final[dict[Op, str]] = {
    "shell": "shell runterminalcmd runterminalcommand terminal",
    "read": "read readfile readlints readnotebook fetchrules",
    "edit": "edit editfile searchreplace strreplace multiedit multistrreplace applypatch editnotebook reapply "
    "delete deletefile",
    "write": "write writefile createfile",
    "search": "grep rg grepsearch ripgrep ripgreprawsearch glob globfilesearch filesearch listdir ls codebasesearch "
    "semanticsearch semanticsearchfull",
    "web": "websearch webfetch fetch",
    "plan": "todowrite todoread createplan",
    "ask": "askquestion askfollowupquestion",
    "agent": "task subagent",
}
OPS: Final[dict[str, Op]] = {name: op for op, names in _NAMES.items() for name in names.split()}
"""Operations of the known tools. All others, including those of MCP servers, are `other`."""

PATHS: Final = ("relativeWorkspacePath", "target_file", "targetFile", "file_path", "path", "target_notebook")
_PATTERNS: Final = ("pattern", "glob_pattern", "globPattern", "query", "search_term")
_DIRECTORIES: Final = ("target_directory", "targetDirectory", "directoryPath", "relative_workspace_path")
_TELLING: Final = ("command", *PATHS, *_PATTERNS, "url", *_DIRECTORIES)
_ABOUT: Final[dict[Op, tuple[str, ...]]] = {
    "search": (*_PATTERNS, *PATHS, *_DIRECTORIES),
    "web": ("url", "search_term", "query"),
    "agent": ("description", "title", "name", "prompt"),
    "plan": ("name", "title"),
    "ask": ("question", "title"),
    "other": ("description", *_TELLING, "name", "title"),
}
_FOLDERS: Final = ("working_directory", "cwd")
_VERSION: Final = re.compile(r"_?v\d+$")
_MENTIONED: Final = re.compile(r"(?<![\w.~/-])/[\w./@+-]+")
_MAX_COMMAND_CHARS: Final = 4000
_MAX_MENTIONED: Final = 20


def op_of(name: str) -> Op:
    """Returns the operation of a tool."""
    return OPS.get(plain_name(name), "other")


@lru_cache(maxsize=256)
def plain_name(name: str) -> str:
    """Normalises a tool's name for comparison: no case, underscores or version."""
    return _VERSION.sub("", name.lower()).replace("_", "").replace("-", "")


def subject_of(name: str, args: msgspec.Raw) -> str:
    """Returns the subject of a call, bounded: the command, path, pattern or description; empty without one."""
    if patch := _patch_of(name, args):
        return bounded(", ".join(files_in_patch(patch)), SUBJECT_CHARS)
    given = fields_of(args)
    if plain_name(name) == "callmcptool" and (mcp := first_text(given, "toolName")):
        return bounded(f"{first_text(given, 'server')} {mcp}".strip(), SUBJECT_CHARS)
    return bounded(first_text(given, *_ABOUT.get(op_of(name), _TELLING)), SUBJECT_CHARS)


def looks_at_handoff(args: msgspec.Raw, cwd: str | None = None) -> bool:
    """Whether a call reads or writes Carryover's own files, whose text must not be read as news."""
    given = fields_of(args)
    return bool(given) and names_own_folder(
        " ".join((cwd or "", first_text(given, "command"), first_text(given, *PATHS)))
    )


def paths_in(args: msgspec.Raw) -> Iterator[str]:
    """Yields the paths in a call's arguments, and the absolute ones in its command."""
    given = fields_of(args)
    for name in (*PATHS, *_FOLDERS, *_DIRECTORIES):
        if path := text_of(given.get(name)):
            yield path
    command = first_text(given, "command")[:_MAX_COMMAND_CHARS]
    yield from (found[0] for found in islice(_MENTIONED.finditer(command), _MAX_MENTIONED))


def changes_of(name: str, args: msgspec.Raw, cwd: str | None) -> tuple[Change, ...]:
    """Returns the file changes that a call makes if it succeeds. `cwd` is the workspace folder, if it is known.

    Nothing shows whether a written file existed, so how much of it is new stays unknown. A shell keeps the folder that
    an earlier command changed to, so only changes in a folder that the command itself names are certain.
    """
    op = op_of(name)
    found: tuple[Change, ...] = ()
    if op == "shell":
        given = fields_of(args)
        folder = first_text(given, *_FOLDERS)
        found = shell_files.changes(first_text(given, "command"), folder if folder.startswith("/") else None)
    elif patch := _patch_of(name, args):
        found = in_patch(patch, cwd)
    elif op in ("edit", "write") and (change := _change(plain_name(name), fields_of(args), cwd)) is not None:
        found = (change,)
    return tuple(change for change in found if _is_work(change))


def absolute(path: str, cwd: str | None) -> str | None:
    """Returns a path or `file:` URI in the arguments as an absolute path; None if that is not possible."""
    plain = path_of(path)
    found = resolved(plain, cwd) if plain else None
    return found if found is not None and len(found) <= MAX_PATH_CHARS and "\0" not in found else None


def _patch_of(name: str, args: msgspec.Raw) -> str:
    """Returns the patch of an `apply_patch` call: its arguments, or a field of them."""
    if plain_name(name) != "applypatch":
        return ""
    return first_text(fields_of(args), "patch", "input") or text_of(args)


def _change(name: str, given: Fields, cwd: str | None) -> Change | None:
    path = absolute(first_text(given, *PATHS), cwd)
    if path is None:
        return None
    if name in ("delete", "deletefile"):
        return Change(path=path, change="delete")
    content = _string(given, "contents", "content")
    if content is not None:
        return msgspec.structs.replace(written(path, content), added=None, removed=None, line=None)
    old, new = _string(given, "old_string"), _string(given, "new_string")
    pairs = [Replacement(old_string=old or "", new_string=new or "")] if old is not None or new is not None else []
    pairs = pairs or rawjson.part_of(given.get("edits", rawjson.ABSENT), list[Replacement]) or []
    return replaced(path, pairs, counted=bool(pairs) and bytes(given.get("replace_all", b"")) != b"true")


def _string(given: Fields, *names: str) -> str | None:
    """Returns the first of these fields that is a string, even an empty one."""
    found = (rawjson.string_of(given[name]) for name in names if name in given)
    return next((text for text in found if text is not None), None)


def _is_work(change: Change) -> bool:
    return not change.path.replace("\\", "/").endswith(HANDOFF_FILE) and absolute(change.path, None) is not None
