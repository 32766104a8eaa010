"""How a tool call of Codex ended: by the client's header before what was printed, by its words in place of that, or by
its own record."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.agents.codex.commands import printed_by
from carryover.model import Op, ResultStatus
from carryover.records import rawjson
from carryover.records.lenient import fields_of, number_of, text_of
from carryover.records.text import without_ansi
from carryover.text.pattern import later

HEAD: Final = later(
    r"(?:Chunk ID: .*\n)?(?:Wall time: .*\n)?"
    r"(?:Process exited with code (?P<code>-?\d{1,10})|Process running with session ID (?P<process>\w{1,40}))\b"
)
_EXIT_CODE: Final = later(r"Exit code: (-?\d{1,10})\b")
BODY: Final = "\nOutput:\n"
HEAD_CHARS: Final = 400
_ABORTED: Final = later(r"(?:Wall time: [\d.]{1,12} seconds\n)?aborted by user(?: after [\d.]{1,12}s)?\s*")
_OF_SERVER: Final = later(r"Wall time: [\d.]{1,12} seconds\nOutput:(?:\n|\Z)")
"""Precedes the JSON that an MCP server's tool returned (0.137 to 0.140); an image leaves nothing behind it."""
_REFUSED: Final = ("exec command rejected by user", "patch rejected by user", "rejected by user")
"""The whole output of a refused command or patch, without the header that the client puts before what was printed."""
_NEVER_RAN: Final = (
    "unsupported call: ",
    "unsupported custom tool call: ",
    "failed to parse function arguments",
    "request_user_input is unavailable in ",  # a mode without questions: the user was not asked (0.144)
)
_FAILED: Final = later(r"(?:apply_patch verification|Script|exec_command|write_stdin) failed|execution error")
_IN_SANDBOX: Final = later(r"failed in sandbox[^:]*: (?:sandbox denied [^:]*exit code: (-?\d{1,10}), stdout: )?")
"""Precedes a command's output if the client suspects its sandbox (0.34 to 0.47)."""
_PATCH_ERROR: Final = "error: "
"""Precedes a reason that later clients append to `apply_patch verification failed` (0.34, 0.48)."""
_SCRIPT_ERROR: Final = "Script error:\n"
"""Heading of the reason if a code mode script failed (0.169). A note that it is cut may come before it (0.145)."""
_WORKED: Final = ("Success. Updated the following files:", "Script completed", "Plan updated")
_SURE: Final[frozenset[Op]] = frozenset(("read", "search", "web", "agent", "ask"))
_KILLED: Final = -1
_DENIED: Final = ("exec_command failed", "failed in sandbox ")
"""Later clients, and 0.44."""
_PRINTED: Final = "aggregated_output: StreamOutput { text: "
_PRINTED_END: Final = ", truncated_after_lines: "
_DENIED_CODE: Final = later(r"\bExecToolCallOutput \{ exit_code: (-?\d{1,10}),")
_REJECTED: Final = 'CreateProcess { message: "Rejected(\\"'
_REJECTED_END: Final = '\\")" }'
_BY_USER: Final = "rejected by user"
_TO_THE_MODEL: Final = "\\\\nThe agent must not "
"""Begins the instruction to the model that follows a rejection by an automatic review (0.126)."""
_ESCAPED: Final = later(r"\\(?:u\{([0-9a-f]{1,5}|10[0-9a-f]{4})\}|(.))")
"""A sign that is not printable has its number."""
_COLOUR: Final = "1b"
"""Begins a colour, the rest of which was taken out before."""
_BLANKS: Final = {"n": "\n", "t": "\t", "r": "\r"}


def read_output(op: Op, text: str) -> ToolOutcome:
    """Determines from its output how a call ended.

    `unknown` if the output doesn't show it and the tool may fail silently.
    """
    if text.startswith('{"output"') and (wrapped := fields_of(text.encode("utf-8", "replace"))).keys() >= {"metadata"}:
        # `apply_patch` in 0.87 to 0.125, every command in 0.48 and 0.53.
        code = number_of(fields_of(wrapped["metadata"]).get("exit_code"))
        return ended(code, printed_by(without_ansi(text_of(wrapped["output"]))))
    text = printed_by(without_ansi(text))
    if head := HEAD.match(text):
        if head["process"]:
            return ToolOutcome("unknown", _body(text))
        return ended(int(head["code"]), _body(text))
    if head := _EXIT_CODE.match(text):
        return ended(int(head[1]), _body(text))
    if op == "shell" and (outcome := _denied(text)) is not None:
        return outcome
    if head := _IN_SANDBOX.match(text):
        printed = "\n".join(filter(None, text[head.end() :].rsplit(", stderr: ", 1)))
        return ended(int(head[1]), printed) if head[1] else ToolOutcome("error", printed)
    if _ABORTED.fullmatch(text):
        return ToolOutcome("interrupted")
    if head := _OF_SERVER.match(text):
        return ToolOutcome("ok" if op in _SURE else "unknown", _returned(text[head.end() :]))
    if text in _REFUSED and op in ("shell", "edit"):
        return ToolOutcome("denied", text, never_ran=True)
    if text.startswith(_NEVER_RAN):
        return ToolOutcome("error", text, never_ran=True)
    if _FAILED.match(text) or (op == "edit" and text.startswith(_PATCH_ERROR)):
        said = _body(text)
        at = said.find(_SCRIPT_ERROR, 0, HEAD_CHARS)
        return ToolOutcome("error", said[at + len(_SCRIPT_ERROR) :] if at >= 0 else said)
    return ToolOutcome("ok" if op in _SURE or text.startswith(_WORKED) else "unknown", text)


def ended(exit_code: int | None, output: str, status: str = "") -> ToolOutcome:
    """Returns the outcome of a process: by its exit code, else by the client's status (`completed`, `failed`)."""
    if status == "declined":
        return ToolOutcome("denied", output, never_ran=True)
    if exit_code == _KILLED:
        return ToolOutcome("interrupted", output)
    if exit_code is None:
        words: dict[str, ResultStatus] = {"completed": "ok", "failed": "error"}
        return ToolOutcome(words.get(status, "unknown"), output)
    return ToolOutcome("ok" if exit_code == 0 else "error", output, exit_code=exit_code)


def _returned(content: str) -> str:
    """Returns the text in the blocks of an MCP result; `content` itself if it has another form."""
    blocks = msgspec.Raw(content.encode("utf-8", "replace")) if content.startswith("[") else rawjson.ABSENT
    text = rawjson.content_text(blocks)
    return content if text is None else text


def _body(text: str) -> str:
    """Returns the output below the client's own header lines."""
    at = text.find(BODY, 0, HEAD_CHARS)
    return printed_by(text[at + len(BODY) :].lstrip("\n")) if at >= 0 else text


def of_command(printed: str) -> ToolOutcome | None:
    """Returns how the only command of a script ended, if what the script printed, or threw, says so: JSON from
    `exec_command`, lines from `shell_command` (0.144)."""
    if _EXIT_CODE.match(printed) and "\nExit code: " not in printed:
        return read_output("shell", printed)
    ran = fields_of(printed.encode("utf-8", "replace"))
    code = number_of(ran.get("exit_code"))
    return ended(code, without_ansi(text_of(ran.get("output")))) if code is not None else None


def _denied(text: str) -> ToolOutcome | None:
    """Returns how a command ended of which the client quotes what it printed, or why it did not run it, in the form in
    which Rust shows values; None if it quotes neither."""
    if not text.startswith(_DENIED):
        return None
    above, is_quoted, below = text.rpartition(_PRINTED)
    code = _DENIED_CODE.search(above) if is_quoted else None
    if code is not None:
        printed = _unescaped(below.partition(_PRINTED_END)[0])
        return ToolOutcome("error", printed, exit_code=int(code[1]))
    _, is_rejected, reason = text.rpartition(_REJECTED)
    if is_rejected and reason.endswith(_REJECTED_END):
        reason = reason.removesuffix(_REJECTED_END).partition(_TO_THE_MODEL)[0]
        if reason == _BY_USER:
            return ToolOutcome("denied", text, never_ran=True)
        return ToolOutcome("error", _unescaped(f'\\"{reason}\\"'), never_ran=True)
    return None


def _unescaped(quoted: str) -> str:
    """Returns a text without the quotes around it, each escaped as often as all in it."""
    is_twice = quoted.startswith("\\")
    text = quoted[2:-2] if is_twice else quoted[1:-1]
    for _ in range(2 if is_twice else 1):
        text = _ESCAPED.sub(_meant, text)
    return text


def _meant(escaped: re.Match[str]) -> str:
    number, sign = escaped.groups()
    if number is None:
        return _BLANKS.get(sign, sign)
    return "" if number == _COLOUR else chr(int(number, 16))
