"""Determines from the text of an output how a tool call ended."""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from carryover.adapter.contract import ToolOutcome
from carryover.model import Op, ResultStatus
from carryover.records.lenient import fields_of, number_of, text_of
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
_IN_SANDBOX: Final = re.compile(
    r"failed in sandbox(?: \w+ with execution error)?: ?(?:sandbox denied exec error, exit code: (?P<code>-?\d{1,10}), "
    r"stdout: (?:(?P<stdout>.*), stderr: )?)?(?P<rest>.*)",
    re.DOTALL,
)
"""A command's output if the client suspects its sandbox (0.46)."""
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


def read_output(op: Op, text: str) -> Outcome:
    """Determines from its output how a call ended.

    `unknown` if the output doesn't show it and the tool may fail silently.
    """
    if text.startswith('{"output"') and (wrapped := fields_of(text.encode("utf-8", "replace"))).keys() >= {"metadata"}:
        # `apply_patch` in 0.87 to 0.125, every command in 0.48 and 0.53.
        code = number_of(fields_of(wrapped["metadata"]).get("exit_code"))
        return ended(code, without_ansi(text_of(wrapped["output"])))
    text = without_ansi(text)
    if head := _HEAD.match(text):
        if head["process"]:
            return Outcome("unknown", _body(text), process=head["process"])
        return replace(ended(int(head["code"]), _body(text)), exited=True)
    if head := _EXIT_CODE.match(text):
        return ended(int(head[1]), _body(text))
    if found := _IN_SANDBOX.fullmatch(text):
        if found["code"] is None:
            return Outcome("error", found["rest"])
        return ended(int(found["code"]), "\n".join(filter(None, (found["stdout"], found["rest"]))))
    if _ABORTED.fullmatch(text):
        return Outcome("interrupted", text)
    if text.startswith(_REJECTED):
        return Outcome("denied", text, never_ran=True)
    if text.startswith(_NEVER_RAN):
        return Outcome("error", text, never_ran=True)
    if text.startswith(_FAILED) or (op == "edit" and text.startswith(_PATCH_FAILED)):
        return Outcome("error", _body(text).removeprefix(_SCRIPT_ERROR))
    return Outcome(_status(op, text), text)


def ended(exit_code: int | None, output: str, status: str = "") -> Outcome:
    """Returns the outcome of a process: by its exit code, else by the client's status (`completed`, `failed`)."""
    if status == "declined":
        return Outcome("denied", output, never_ran=True)
    if exit_code == _KILLED:
        return Outcome("interrupted", output)
    if exit_code is None:
        words: dict[str, ResultStatus] = {"completed": "ok", "failed": "error"}
        return Outcome(words.get(status, "unknown"), output)
    return Outcome("ok" if exit_code == 0 else "error", output, exit_code=exit_code)


def of_script(text: str) -> Outcome:
    """Determines how the only command of a code mode script ended: the script may print its whole result (0.146)."""
    printed = text.partition(_BODY)[2].strip("\n")
    ran = fields_of(printed.encode("utf-8", "replace"))
    code = number_of(ran.get("exit_code"))
    return Outcome("unknown", printed) if code is None else ended(code, without_ansi(text_of(ran.get("output"))))


def _status(op: Op, text: str) -> ResultStatus:
    if op == "plan":
        return "ok" if text.startswith(_PLAN_TAKEN) else "error"
    return "ok" if op in _SURE or text.startswith(_WORKED) else "unknown"


def _body(text: str) -> str:
    """Returns the output below the client's own header lines."""
    at = text.find(_BODY, 0, _HEAD_CHARS)
    return text[at + len(_BODY) :].lstrip("\n") if at >= 0 else text
