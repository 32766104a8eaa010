"""How a tool call of Claude Code ended: what its result says, and whose words a refusal quotes."""

from __future__ import annotations

import re
from typing import Final

from carryover import model
from carryover.adapter.contract import ToolOutcome
from carryover.agents.claude_code.lines import ClaudeLine
from carryover.records.lenient import fields_of, is_true, text_of
from carryover.records.text import without_ansi, without_reminders
from carryover.text.pattern import later
from carryover.transcript.refusals import CLIENT_WORDED, refused

_REFUSALS: Final = (
    "The user doesn't want to proceed with this tool use",
    "The user doesn't want to take this action right now",
    "User rejected tool use",
    "User chose to stay in plan mode",
    "User cancelled the edit",
    "User cancelled the write",
    "The agent proposed a plan that was rejected by the user",
    "Permission for this tool use was denied",
)
"""The beginning of the result of a call that was not allowed to run (2.1.14 to 2.1.328; some unverified)."""
_UNASKED: Final = (
    "Permission for this action was denied",
    "Permission to use ",
    "Claude requested permissions to ",
    "This command requires approval",
    "This Bash command contains multiple operations. The following part",
    "PreToolUse:",
)
"""How a refusal begins that comes from a rule, a hook or auto mode, or from a run in which no user can be asked."""
_UNJUDGED: Final = later(r"[^\s:]{1,80} is temporarily unavailable, so auto mode cannot determine [^\n.]{1,100}\.")
"""Matches why a call did not run in auto mode. The client's instructions to the model follow (2.1.197, 2.1.220)."""
_SAID: Final = later(
    r"(?:The user doesn't want to (?:proceed with this tool use|take this action right now)"
    r"|Permission for this tool use was denied)\.[^\n]{0,400}?"
    r"(?:[Tt]he user said:|The user provided the following reason for the rejection:)\s*(.*?)"
    r"(?:\n\nNote: The user's next message may contain[^\n]*)?",
    re.DOTALL,
)
"""The whole text of a refusal with the user's words: in the main conversation, a sub-agent, or (the second) before
2.0.32 and in the editor extension."""
_WHOLE: Final = later(
    r"The user doesn't want to (?:proceed with this tool use\. The tool use was rejected \(eg\. if it was a file edit, "
    r"the new_string was NOT written to the file\)|take this action right now)\. "
    r"(?:STOP what you are doing and wait for the user to tell you how to proceed\."
    r"|The user provided the following reason for the rejection:\s*(.*?))\s*",
    re.DOTALL,
)
"""The whole text of a refusal before 2.0.32 (2.0.10, 2.0.29), and of other tools later (2.0.74)."""
_REJECTED: Final = "User rejected tool use"
"""`toolUseResult` of a refused call (2.1.37 to 2.1.328). For an error it is "Error: " and the tool's text."""
_HAS_DENIAL_KIND: Final = (2, 1, 186)
"""The first version that writes `toolDenialKind`; 2.1.185 has no such word in its code."""
_HAS_EXIT_CODE: Final = (2, 0, 32)
"""The first version in which the result of a failed command begins with the client's `Exit code`; before, with what the
command printed (2.0.8, 2.0.31)."""
_CLIENT_SAYS: Final = (
    "The user wants to clarify these questions",
    "The user has indicated",
    "Denied via channel ",
    "Plan being refined via Ultraplan",
)
"""The beginning of the client's text for a dismissed question form (2.1.90, 2.1.328), a refusal in a chat that is bound
to the session (source of 2.1.332), a plan that goes to the cloud (source of 2.1.111): not the user's words."""
_INTERRUPTED: Final = "[Request interrupted by user"
_WHILE_WRITTEN: Final = "Interrupted by user"
"""The result of each call of a message that the user stopped (2.1.123)."""
_EXIT_CODE: Final = later(r"(?:Error: )?Exit code (-?\d+)(?:\n|\Z)")
_KILLED: Final = later(r"Exit code 1(?:37|43)\n(?:(.*)\n)?\[Request interrupted by user for tool use\]\s*", re.DOTALL)
"""The result of a command that the user stopped, if nothing follows it that says so (2.1.119)."""
_TOOL_ERROR: Final = later(
    r"(?s)(?:<tool_use_error>|(?=File has (?:not been|been modified since) read))(.*?)(?:</tool_use_error>|\Z)"
)
"""The reason why a call never ran. That of an edit has no tag in older versions (1.0.44)."""
_SIBLING: Final = ("Sibling tool call errored", "Cancelled: parallel tool call ")
"""Why the client cancelled a call beside one that failed (2.1.37 to 2.1.63; the second read about)."""
_ADDED: Final = later(
    r"\A\(\w+ completed with no output\)\Z|\n?^agentId: \w+ \([^\n]*\)(?:\s*<usage>[^<]*</usage>)?\s*\Z", re.M
)
"""Stands for an empty output (2.1.79 and later), or follows a sub-agent's report (2.0.65 and later)."""
_ORDER: Final = later(
    r"\n{0,3}^(?:REMINDER: You MUST [^\n]*|NOTE: do any of the files above seem malicious\?[^\n]*"
    r"|This tool's input schema was not in your prompt [^\n]*\n[^\n]*)\s*\Z",
    re.M,
)
"""Follows the results of a web search (2.1.37 to 2.1.63), the list of a folder (1.0.53), and the error of a tool whose
schema the model had not asked for (2.1.332)."""
_MARKS_ORDER: Final = (" you MUST ", "REMINDER: You MUST ", " was not in your prompt ")
_RESET: Final = later(r"\n?^Shell cwd was reset to [^\n]{1,400}\s*\Z", re.M)
"""Below what a command printed that had gone elsewhere (2.1.81, 2.1.136)."""
_MOST_OF_RESET: Final = 500
_NUMBERED: Final = later(r"(?:\n?^\[result-id: r\d{1,6}\])?\n?^\[(?:rerun: b|result-id: r)\d{1,6}\]\s*\Z", re.M)
"""The numbers below an output, by which the model may name it or run the command again (2.1.98, 2.1.100)."""
_MOST_OF_NUMBERS: Final = 60
"""It is looked for in the end alone: every line of an output may look like it."""
_WATCHES: Final = later(r"Monitor started \(task [^)\n]{1,80}\)\.(?= )")
"""Before what the model is to do about the events of a monitor (2.1.112)."""
_LAUNCHED: Final = "Async agent launched successfully."
"""Before what the model is to do about a sub-agent in the background (2.1.15 to 2.1.332): no result of it."""
_SKILL: Final = later(r"Launching skill: [\w:.-]{1,200}\s*")
"""The whole result of a skill (2.0.76 to 2.1.80), which its call names."""
_BEGUN: Final = later(r"Command running in background with ID: [\w-]{1,100}\.(?= )")
"""Before where a job in the background prints, and what the model is to do about it (2.1.332)."""
_PREVIEW: Final = later(
    r"<persisted-output>\nOutput too large \([^\n)]{1,20}\)\. Full output saved to: [^\n]{1,4096}\n\n"
    r"Preview \([^\n)]{1,40}\):\n(.*?)\n</persisted-output>\s*",
    re.DOTALL,
)
"""The whole of an output that the client kept in a file, with its beginning and, where it is cut, a line of three dots
(2.1.19 to 2.1.224)."""
_TO_THE_MODEL: Final = (*_REFUSALS[:2], _INTERRUPTED)
"""The beginning of a result that only says to the model how to go on: nothing ran, and nobody said it."""


def plain_output(text: str) -> str:
    """Returns a tool's output as text, without the client's additions."""
    plain = without_ansi(without_reminders(text))
    if plain.startswith(_LAUNCHED) or _SKILL.fullmatch(plain):
        return ""
    if begun := _WATCHES.match(plain) or _BEGUN.match(plain):
        return begun[0]
    if kept := _PREVIEW.fullmatch(plain):
        return kept[1]
    if numbered := _NUMBERED.search(plain, max(0, len(plain) - _MOST_OF_NUMBERS)):
        plain = plain[: numbered.start()]
    if reset := _RESET.search(plain, max(0, len(plain) - _MOST_OF_RESET)):
        plain = plain[: reset.start()]
    plain = _ORDER.sub("", plain) if any(mark in plain for mark in _MARKS_ORDER) else plain
    may_end = plain.rstrip().endswith((")", "</usage>")) and (plain.startswith("(") or "agentId: " in plain)
    return _ADDED.sub("", plain) if may_end else plain


def version_numbers(version: str | None) -> tuple[int, ...]:
    """Returns the numbers of a version, to compare it; none for an unknown one."""
    return tuple(int(number) for number in (version or "").split(".") if number.isdigit())


def line_outcome(line: ClaudeLine, op: model.Op, output: str, *, failed: bool) -> ToolOutcome:
    """Determines how a call ended from its record and the output in it; `failed`: whether the record says it did."""
    if not failed:
        stopped = op == "shell" and is_true(fields_of(line.tool_use_result).get("interrupted"))
        return ToolOutcome("interrupted" if stopped else "ok", output)
    if line.tool_denial_kind is None:
        numbers = version_numbers(line.version)
        if op == "shell" and () < numbers < _HAS_EXIT_CODE and (found := _WHOLE.fullmatch(output)):
            # What a command printed could be that too, so it is no proof of what the user said.
            words = f"refused, with the words: {found[1]}" if found[1] else ""
            return ToolOutcome("denied", words, never_ran=True)
        rejected = text_of(line.tool_use_result) == _REJECTED
        by_client = rejected or (op in CLIENT_WORDED and (op != "shell" or numbers >= _HAS_EXIT_CODE))
        by_user = rejected or (by_client and () < numbers < _HAS_DENIAL_KIND)
        if output.startswith(_INTERRUPTED) and not by_client and numbers >= _HAS_DENIAL_KIND:
            return ToolOutcome("error", output)  # a tool's own words, as of an MCP server
        return _by_text(output, by_client=by_client, by_user=by_user) or ToolOutcome("error", output)
    if output.startswith(_INTERRUPTED):
        return ToolOutcome("interrupted", _printed(output))
    if line.user_feedback and line.tool_denial_kind == "user-rejected":
        return _refused(output, by_client=True, by_user=True, typed=line.user_feedback)
    # Refused by a rule, a hook or auto mode, or because no user can be asked: that is marked user-rejected (2.1.328).
    asks = op in ("ask", "plan")
    worded = asks or line.tool_denial_before_run or output.startswith(_REFUSALS)
    if line.tool_denial_kind != "user-rejected" or not worded:
        said = _SAID.fullmatch(output)
        return _refused(output, by_client=True, by_user=False) if said else ToolOutcome("error", output, never_ran=True)
    # Ctrl-C in a running tool is written as a rejection too; only a refused one has the flag (2.1.328). Asking the user
    # is running: a question or plan that is dismissed was refused.
    if not (asks or line.tool_denial_before_run or _SAID.fullmatch(output)):
        return ToolOutcome("interrupted", _printed(output))
    return _refused(output, by_client=True, by_user=True)


def read_outcome(op: model.Op, text: str) -> ToolOutcome:
    """Determines from the output alone how a call ended. Output that names no failure counts as success. Whose words a
    refusal quotes can't be known, and what was read or printed may look like one."""
    output = plain_output(text)
    by_client = op in ("edit", "write", "plan", "ask")
    return _by_text(output, by_client=by_client, by_user=False) or ToolOutcome("ok", output)


def _by_text(output: str, *, by_client: bool, by_user: bool) -> ToolOutcome | None:
    """Returns the failure that the form of an output shows; None if it shows none.

    `by_client`: whether what reads like a refusal is the client's; `by_user`: whether words in it are the user's.
    """
    if output.startswith(_INTERRUPTED):
        return ToolOutcome("interrupted", _printed(output))
    if by_client and output == _WHILE_WRITTEN:
        return ToolOutcome("interrupted", "")
    if output.startswith(_REFUSALS) and (by_client or _SAID.fullmatch(output)):
        return _refused(output, by_client=by_client, by_user=by_user)
    if (found := _WHOLE.fullmatch(output)) and found[1] is None:
        return ToolOutcome("error", "refused")  # what it orders the model to do is not for the next agent
    if by_client and output.startswith(_UNASKED):
        return ToolOutcome("error", output, never_ran=True)
    if by_client and (found := _UNJUDGED.match(output)):
        return ToolOutcome("error", found[0], never_ran=True)
    if (found := _TOOL_ERROR.match(output)) and found[1].strip().startswith(_SIBLING):
        return ToolOutcome("unknown", found[1].strip())
    if found:
        return ToolOutcome("error", found[1].strip(), never_ran=True)
    if by_client and (found := _KILLED.fullmatch(output)):
        return ToolOutcome("interrupted", found[1] or "")
    if found := _EXIT_CODE.match(output):
        return ToolOutcome("error", output[found.end() :], exit_code=int(found[1]))
    return None


def _printed(output: str) -> str:
    """Returns the output of a call that was refused or interrupted without the client's words to the model."""
    return "" if output.startswith(_TO_THE_MODEL) else output


def _refused(output: str, *, by_client: bool, by_user: bool, typed: str = "") -> ToolOutcome:
    found = None if typed else _SAID.fullmatch(output)
    said = found[1].strip() if found else typed.strip()
    words = "" if said.startswith(_CLIENT_SAYS) else said
    return refused(_printed(output) if by_client else output, words, by_client=by_client, by_user=by_user)
