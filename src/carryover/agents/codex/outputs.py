"""How a tool call ended, as far as the text of its output says it."""

from __future__ import annotations

import re
from typing import Final

import msgspec
from msgspec.structs import replace

from carryover.adapter.contract import ToolOutcome
from carryover.agents.codex.wire import whole_number
from carryover.model import Op, ResultStatus
from carryover.records import rawjson
from carryover.records.text import without_ansi

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
"""What stands before the two halves of a command's output where the client suspects its sandbox (0.46)."""
_PATCH_FAILED: Final = "error: "
"""Before a reason that later clients put behind `apply_patch verification failed` (0.34, 0.48)."""
_SCRIPT_ERROR: Final = "Script error:\n"
"""Stands above the reason where a script of code mode failed (0.169)."""
_WORKED: Final = ("Success. Updated the following files:", "Script completed")
_PLAN_TAKEN: Final = "Plan updated"
_SURE: Final[frozenset[Op]] = frozenset(("read", "search", "web", "agent", "ask"))
_KILLED: Final = -1


class Outcome(ToolOutcome, frozen=True):
    """How a call ended, if it has."""

    process: str | None = None
    """It has not ended: this process runs on."""
    exited: bool = False
    """A process has ended, as the client says: it was not only the call that failed or was put away."""


class Metadata(msgspec.Struct, frozen=True):
    """`metadata` of an output that is JSON."""

    exit_code: msgspec.Raw


class Wrapped(msgspec.Struct, frozen=True):
    """Output as JSON: of `apply_patch` in 0.87 to 0.125, of every command in 0.48 and 0.53."""

    output: str
    metadata: Metadata


_WRAPPED: Final = msgspec.json.Decoder(Wrapped)


def read_output(op: Op, text: str) -> Outcome:
    """What the output of a call says of its end. `unknown` where it says nothing and the tool may fail silently."""
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
    """The end of a process: by its exit code, else by the client's own word for it (`completed`, `failed`)."""
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
    """What follows the client's own lines."""
    at = text.find(_BODY, 0, _HEAD_CHARS)
    return text[at + len(_BODY) :].lstrip("\n") if at >= 0 else text


def _wrapped(text: str) -> Wrapped | None:
    try:
        return _WRAPPED.decode(text.encode("utf-8", "replace"))
    except rawjson.UNREADABLE:
        return None
