"""The tools that Zed's adapter puts in place of the client's own: `mcp__acp__Edit` stands for `Edit`."""

from __future__ import annotations

from typing import Final, Literal

from msgspec.structs import replace

from carryover import model
from carryover.adapter.contract import ToolOutcome
from carryover.text.pattern import later

_PREFIX: Final = "mcp__acp__"
_REPLACED: Final = ("Read", "Edit", "Write", "Bash", "BashOutput", "KillShell")
_ENDED: Final = later(
    r"(?:(Interrupted by the user|Killed|Timed out)\. )?(?:Exited with code (-?\d{1,10})\.)?"
    r"(?:Signal `[^`\n]{1,40}`\. )?(?:Final|New) output:\n\n"
)
"""The line before what a command printed. It may name a signal even if that did not cause the exit code."""
_BEGUN: Final = later(r"Command started in background with id: ([\w-]{1,100})")
_CANCELLED: Final = "Tool cancelled by user"


def own_name(name: str) -> str:
    """Returns the name of the client's tool that a tool of the adapter stands for; any other as it is."""
    bare = name.removeprefix(_PREFIX)
    return bare if bare in _REPLACED else name


def outcome_by_first_line(outcome: ToolOutcome) -> ToolOutcome:
    """Returns how a command ended. The line before its output says so; none of the results is marked as failed."""
    if outcome.output == _CANCELLED:
        return ToolOutcome("interrupted")
    found = _ENDED.match(outcome.output)
    if outcome.status != "ok" or found is None:
        return outcome
    printed = outcome.output[found.end() :]
    if found[1] == "Timed out":
        return ToolOutcome("error", f"Timed out.\n{printed}")
    if found[1] is not None:
        return ToolOutcome("interrupted", printed)
    code = int(found[2] or "0")
    return ToolOutcome("error", printed, exit_code=code) if code else replace(outcome, output=printed)


def begun_job(output: str) -> str:
    """Returns the id of the job that a command began; empty if it began none."""
    found = _BEGUN.match(output)
    return found[1] if found is not None else ""


def ended_job(task_id: str, output: str) -> model.BackgroundTask | None:
    """Returns the end of a job, if the output of a call that asked about it says that it ended; else None."""
    found = _ENDED.match(output)
    if not task_id or found is None or (found[1] is None and found[2] is None):
        return None
    state: Literal["done", "failed"] = "failed" if int(found[2] or "0") else "done"
    return model.BackgroundTask(task_id=task_id, state=state if found[1] is None else "stopped")
