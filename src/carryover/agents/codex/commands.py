"""Reads commands and patches out of tool calls, and determines from the output how a call ended."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import unquote

import msgspec
from msgspec.structs import replace

from carryover.adapter.contract import ToolOutcome
from carryover.agents.codex.wire import ChangeDetail, whole_number
from carryover.model import Op, ResultStatus
from carryover.records import rawjson
from carryover.records.changes import Change, hunks_in, patched
from carryover.records.fields import resolved
from carryover.records.lenient import text_of
from carryover.records.patches import added, in_patch, place_of, renamed
from carryover.records.text import without_ansi

_SCRIPT_FLAGS: Final = frozenset(("-c", "-lc", "-Command", "/c"))


def script_of(command: Sequence[str]) -> str:
    """Returns the script a shell is started with (`["/bin/bash", "-lc", script]`), or else the whole command line."""
    if len(command) >= 3 and command[-2] in _SCRIPT_FLAGS:
        return command[-1]
    return shlex.join(command)


def given_script(raw: msgspec.Raw) -> str:
    """Returns the `cmd` or `command` of a call: a text, or a list as for `script_of`. Empty if it is neither."""
    command = rawjson.part_of(raw, list[str])
    return script_of(command) if command else rawjson.string_of(raw) or ""


def given_patch(raw: msgspec.Raw) -> str | None:
    """Returns the patch in a `command` of the form `["apply_patch", patch]` (older clients)."""
    command = rawjson.part_of(raw, list[str])
    return command[1] if command is not None and len(command) == 2 and command[0] == "apply_patch" else None


def local_path(place: str | None) -> str | None:
    """Returns the path in a string that is either a path or a `file://` URL (0.150, 0.169)."""
    if place is None or not place.startswith("file://"):
        return place
    path = unquote(place.removeprefix("file://"))
    is_windows = len(path) > 2 and path[0] == "/" and path[2] == ":"
    return path[1:] if is_windows else path


def process_of(raw: msgspec.Raw | None) -> str | None:
    """Returns the number of a running process, which some records hold as a number and others as a string."""
    number = whole_number(raw) if raw is not None else None
    return str(number) if number is not None else text_of(raw) or None


def in_account(changes: Mapping[str, ChangeDetail], cwd: str | None) -> tuple[Change, ...]:
    """Returns the changes that the client reports (`FileChange`, `patch_apply_end`), sorted by path."""
    found = (_made(path, detail, cwd) for path, detail in sorted(changes.items()))
    return tuple(change for change in found if change is not None)


def subject(changes: Sequence[Change]) -> str:
    """Returns the file that stands for a patch: preferably one that existed before."""
    edited = [change for change in changes if change.change in ("modify", "rename")]
    first = next(iter(edited or changes), None)
    return (first.old_path or first.path) if first is not None else ""


def _made(path: str, detail: ChangeDetail, cwd: str | None) -> Change | None:
    place = place_of(path, cwd)
    if place is None:
        return None
    if detail.type == "add":
        return added(place, detail.content or "")
    if detail.type == "delete":
        return Change(path=place, change="delete")
    if detail.type != "update":
        return None
    change = patched(Change(path=place, change="modify"), hunks_in(detail.unified_diff or ""))
    return renamed(change, detail.move_path, cwd) if detail.move_path else change


_MOST_CHARS: Final = 1 << 20
_HANDED: Final = re.compile(
    r"\s*(?:cd\s+(?P<folder>'[^'\n]*'|\"[^\"\n$`]*\"|[^\s;&|$`'\"*?~]+)\s*&&\s*)?"
    r"apply_?patch\s+<<-?\s*(?P<quote>['\"]?)(?P<end>\w+)(?P=quote)\s*"
    r"(?P<patch>\*\*\* Begin Patch.*\n\*\*\* End Patch)\s*\n(?P=end)\s*",
    re.DOTALL,
)


def in_command(command: str, cwd: str | None) -> tuple[Change, ...] | None:
    """Returns the changes of a shell command that only passes a patch to `apply_patch` (0.34 and later); None for other
    commands.

    The client intercepts such a command instead of running it in the shell (0.169).
    """
    handed = (
        _HANDED.fullmatch(command) if len(command) <= _MOST_CHARS and command.count("*** Begin Patch") == 1 else None
    )
    if handed is None:
        return None
    folder = handed["folder"]
    return in_patch(handed["patch"], resolved(folder.strip("'\""), cwd) if folder else cwd)


_HEAD: Final = re.compile(
    r"(?:Chunk ID: .*\n)?(?:Wall time: .*\n)?"
    r"(?:Process exited with code (?P<code>-?\d{1,10})|Process running with session ID (?P<process>\w{1,40}))\b"
)
_EXIT_CODE: Final = re.compile(r"Exit code: (-?\d{1,10})\b")
_BODY: Final = "\nOutput:\n"
_HEAD_CHARS: Final = 400
_ABORTED: Final = re.compile(r"(?:Wall time: [\d.]{1,12} seconds\n)?aborted by user(?: after [\d.]{1,12}s)?\s*")
_REJECTED: Final = ("exec command rejected by user", "patch rejected by user", "rejected by user")
_NEVER_RAN: Final = ("unsupported call: ", "unsupported custom tool call: ", "failed to parse function arguments")
_FAILED: Final = (
    "apply_patch verification failed",
    "Script failed",
    "exec_command failed",
    "execution error",
    "write_stdin failed",
)
_IN_SANDBOX: Final = re.compile(r"failed in sandbox(?: \w+ with execution error)?: ?")
_DENIED_THERE: Final = re.compile(r"sandbox denied exec error, exit code: (-?\d{1,10}), stdout: ")
_STDERR: Final = ", stderr: "
"""Labels before the two halves of a command's output if the client suspects its sandbox (0.46)."""
_PATCH_FAILED: Final = "error: "
"""Precedes a reason that later clients append to `apply_patch verification failed` (0.34, 0.48)."""
_SCRIPT_ERROR: Final = "Script error:\n"
"""Heading of the reason if a code mode script failed (0.169)."""
_WORKED: Final = ("Success. Updated the following files:", "Script completed")
_PLAN_TAKEN: Final = "Plan updated"
_SURE: Final[frozenset[Op]] = frozenset(("read", "search", "web", "agent", "ask"))
_KILLED: Final = -1


class Outcome(ToolOutcome, frozen=True):
    """How a call ended, or the process that it left running."""

    process: str | None = None
    """Id of the process, if the command still runs."""
    exited: bool = False
    """Whether the client reports the end of a process, as opposed to a call that failed or was moved to the
    background."""


class Metadata(msgspec.Struct, frozen=True):
    """`metadata` of an output that is JSON."""

    exit_code: msgspec.Raw


class Wrapped(msgspec.Struct, frozen=True):
    """Output as JSON: of `apply_patch` in 0.87 to 0.125, of every command in 0.48 and 0.53."""

    output: str
    metadata: Metadata


_WRAPPED: Final = msgspec.json.Decoder(Wrapped)


def read_output(op: Op, text: str) -> Outcome:
    """Determines from its output how a call ended.

    `unknown` if the output doesn't show it and the tool may fail silently.
    """
    if text.startswith('{"output"') and (wrapped := _wrapped(text)) is not None:
        return ended(whole_number(wrapped.metadata.exit_code), without_ansi(wrapped.output))
    text = without_ansi(text)
    if head := _HEAD.match(text):
        if head["process"]:
            return Outcome("unknown", _body(text), process=head["process"])
        return replace(ended(int(head["code"]), _body(text)), exited=True)
    if head := _EXIT_CODE.match(text):
        return ended(int(head[1]), _body(text))
    if found := _IN_SANDBOX.match(text):
        return _ended_in_sandbox(text[found.end() :])
    if _ABORTED.fullmatch(text):
        return Outcome("interrupted", text)
    if text.startswith(_REJECTED):
        return Outcome("denied", text, never_ran=True)
    if text.startswith(_NEVER_RAN):
        return Outcome("error", text, never_ran=True)
    if op == "edit" and text.startswith(_PATCH_FAILED):
        return Outcome("error", text)
    if text.startswith(_FAILED):
        return Outcome("error", _body(text).removeprefix(_SCRIPT_ERROR))
    return Outcome(_status(op, text), text)


def ended(exit_code: int | None, output: str, status: str | None = None) -> Outcome:
    """Returns the outcome of a process: by its exit code, else by the client's status (`completed`, `failed`)."""
    if status == "declined":
        return Outcome("denied", output, never_ran=True)
    if exit_code == _KILLED:
        return Outcome("interrupted", output)
    if exit_code is None:
        words: dict[str | None, ResultStatus] = {"completed": "ok", "failed": "error"}
        return Outcome(words.get(status, "unknown"), output)
    return Outcome("ok" if exit_code == 0 else "error", output, exit_code=exit_code)


def _ended_in_sandbox(text: str) -> Outcome:
    found = _DENIED_THERE.match(text)
    if found is None:
        return Outcome("error", text)
    printed = text[found.end() :].rpartition(_STDERR)
    return ended(int(found[1]), "\n".join(part for part in (printed[0], printed[2]) if part))


def _status(op: Op, text: str) -> ResultStatus:
    if op == "plan":
        return "ok" if text.startswith(_PLAN_TAKEN) else "error"
    return "ok" if op in _SURE or text.startswith(_WORKED) else "unknown"


def _body(text: str) -> str:
    """Returns the output below the client's own header lines."""
    at = text.find(_BODY, 0, _HEAD_CHARS)
    return text[at + len(_BODY) :].lstrip("\n") if at >= 0 else text


def _wrapped(text: str) -> Wrapped | None:
    try:
        return _WRAPPED.decode(text.encode("utf-8", "replace"))
    except rawjson.UNREADABLE:
        return None
