"""Determines how a tool call or a turn ended from what Cursor wrote about it."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from carryover.adapter.contract import ToolOutcome
from carryover.model import Op, TurnEnd
from carryover.records import rawjson
from carryover.records.lenient import Fields, fields_of, is_true, number_of, text_of
from carryover.records.resets import failed_turn, names_limit
from carryover.records.text import without_ansi

_EXIT_CODE: Final = re.compile(r"\s*Exit code: (-?\d{1,10})[ \t]*(?:\n\s*Command output:[ \t]*)?(?:\n|\Z)")
_ERROR: Final = re.compile(r"\s*(?:Error|Error calling tool|Tool error)\b ?:")
_REJECTED: Final = ("User rejected", "Rejected", "The user rejected", "User chose to skip", "The user chose to skip")
"""The beginning of the result of a call that the user rejected (unverified)."""


def outcome_of(op: Op, result: msgspec.Raw) -> ToolOutcome:
    """Determines how a call ended from its result: a text, a list of content blocks or an object.

    A command that ran and failed is recognised by its exit code only, since its output may begin in any way.
    """
    text = rawjson.text_of(result)
    if text is not None:
        return outcome_in_text(op, text)
    given = fields_of(result)
    if not given and bytes(result).strip() != b"{}":
        return ToolOutcome("unknown")
    parts = (rawjson.text_of(given[name]) for name in ("output", "contents") if name in given)
    output = without_ansi(next(filter(None, parts), ""))
    if bytes(given.get("rejected", b"")) == b"true":
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
    codes = (number_of(given.get(name)) for name in ("exitCode", "exitCodeV2"))
    code = next((code for code in codes if code is not None), None)
    has_run = is_true(given.get("notInterrupted")) and "output" in given
    is_v2 = not {"endedReason", "isRunningInBackground", "poppedOutIntoBackground"} & given.keys()
    return 0 if code is None and has_run and is_v2 else code


def outcome_in_text(op: Op, text: str) -> ToolOutcome:
    """Determines how a call ended from the text of its result."""
    text = without_ansi(text)
    if op == "shell":
        found = _EXIT_CODE.match(text)
        if found is not None:
            code = int(found[1])
            return ToolOutcome("error" if code else "ok", text[found.end() :], exit_code=code)
    if text.startswith(_REJECTED):
        return ToolOutcome("denied", text, never_ran=True)
    if found := _ERROR.match(text):
        return ToolOutcome("error", text[found.end() :].strip())
    # A command without an exit code: there is output, but no field shows how it ended.
    return ToolOutcome("unknown" if op == "shell" else "ok", text)


def turn_end(message: str, at_ms: int) -> TurnEnd:
    """Returns the end of a turn that failed with `message`: at a limit of the user's plan, or otherwise."""
    return failed_turn(message, at_ms, limited=names_limit(message))
