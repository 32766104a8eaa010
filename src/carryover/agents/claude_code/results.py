"""Tool results: paired with their call and classified by how they ended."""

from __future__ import annotations

import re
from typing import Final

from carryover.adapter.contract import ToolOutcome
from carryover.adapter.event_builder import closed
from carryover.agents.claude_code import wire
from carryover.agents.claude_code.builder import Builder
from carryover.agents.claude_code.context import OpenCall
from carryover.agents.claude_code.successes import ShellResult, parse_success, structured
from carryover.agents.claude_code.text import plain_output
from carryover.model import PlanProposal, UserPrompt
from carryover.records import rawjson
from carryover.records.fields import digest

REJECTED: Final = (
    "The user doesn't want to proceed with this tool use",
    "The user doesn't want to take this action right now",
    "User rejected tool use",
    "User chose to stay in plan mode",
    "The agent proposed a plan that was rejected by the user",
    "Permission for this tool use was denied",
    "Permission to use ",
    "Claude requested permissions to ",
)
"""How the result of a call begins that was not allowed to run (2.1.14, 2.1.328; the last three unverified)."""

_SAID: Final = re.compile(
    r"[^\n]{0,400}?(?:[Tt]he user said:|The user provided the following reason for the rejection:)\s*(.*?)"
    r"(?:\n\nNote: The user's next message may contain|\Z)",
    re.DOTALL,
)
"""Before what the user wrote: to the main conversation or a sub-agent; the second in the editor extension."""
_CLIENT_SAYS: Final = ("The user wants to clarify these questions", "The user has indicated")
"""How the client begins what it says of a question form that was dismissed (2.1.328, 2.1.90): not the user's words."""
_INTERRUPTED: Final = "[Request interrupted by user"
_NOT_READ: Final = ("File has not been read yet", "File has been modified since read")
"""Refusals of an edit that older versions (1.0, seen 1.0.44) write without the error tag."""
_EXIT_CODE: Final = re.compile(r"(?:Error: )?Exit code (-?\d+)(?:\n|\Z)")
_TOOL_ERROR: Final = re.compile(r"<tool_use_error>(.*?)(?:</tool_use_error>|\Z)", re.DOTALL)


def parse_result(builder: Builder, part: str, block: wire.Block) -> None:
    """A `tool_result` block. Its call is closed; what it changed is sent along if it succeeded."""
    call_id = block.tool_use_id
    if not call_id:
        builder.skip("user/tool_result", "no tool_use_id")
        return
    call = _close(builder, call_id)
    output = rawjson.text_of(block.content)
    if output is None and bytes(block.content) != b"null":
        builder.skip("user/tool_result", "unexpected content")
    shell = structured(builder, call, ShellResult) if call.op == "shell" else None
    outcome = _outcome(builder, call, plain_output(output or ""), failed=block.is_error is True, shell=shell)
    builder.add(call.ended(outcome), part, call_id)
    if outcome.status == "ok":
        parse_success(builder, part, call, outcome.output, shell)
    elif call.name == "ExitPlanMode" and outcome.status == "denied":
        builder.add(PlanProposal(call_id=call_id, text="", accepted=False), f"{part}.plan", call_id)
    if outcome.user_words and builder.subagent_id is None:
        builder.add(UserPrompt(text=outcome.user_words), f"{part}.said", digest(outcome.user_words))


def _close(builder: Builder, call_id: str) -> OpenCall:
    calls = builder.context.calls
    builder.change(calls=closed(calls, call_id))
    return next((call for call in calls if call.id == call_id), OpenCall(id=call_id, name="", op="other"))


def _outcome(builder: Builder, call: OpenCall, output: str, *, failed: bool, shell: ShellResult | None) -> ToolOutcome:
    if not failed:
        stopped = shell is not None and shell.interrupted is True
        return ToolOutcome("interrupted" if stopped else "ok", output)
    kind = builder.line.tool_denial_kind
    if output.startswith(_INTERRUPTED):
        return ToolOutcome("interrupted", output)
    if kind is not None or output.startswith(REJECTED):
        return _denied(builder, call, output, kind)
    return _failure(output) or ToolOutcome("error", output)


def outcome_by_text(output: str) -> ToolOutcome:
    """How a call ended whose record, with its error flag, is not at hand. What names no failure is a success."""
    if output.startswith(_INTERRUPTED):
        return ToolOutcome("interrupted", output)
    if output.startswith(REJECTED):
        return _refused(output)
    return _failure(output) or ToolOutcome("ok", output)


def _refused(output: str) -> ToolOutcome:
    found = _SAID.match(output)
    said = found[1].strip() if found else ""
    return ToolOutcome("denied", output, never_ran=True, user_words="" if said.startswith(_CLIENT_SAYS) else said)


def _failure(output: str) -> ToolOutcome | None:
    """The failure that an output names by its form; None where it names none."""
    if found := _TOOL_ERROR.match(output):
        return ToolOutcome("error", found[1].strip(), never_ran=True)
    if output.startswith(_NOT_READ):
        return ToolOutcome("error", output, never_ran=True)
    if found := _EXIT_CODE.match(output):
        return ToolOutcome("error", output[found.end() :], exit_code=int(found[1]))
    return None


def _denied(builder: Builder, call: OpenCall, output: str, kind: str | None) -> ToolOutcome:
    # Ctrl-C in a running tool is written as a rejection too; only a refused one has the flag (2.1.328). Asking the
    # user is running: a question or plan that is dismissed was refused.
    running = kind == "user-rejected" and not builder.line.tool_denial_before_run and not _SAID.match(output)
    if running and call.op not in ("ask", "plan"):
        return ToolOutcome("interrupted", output)
    return _refused(output)
