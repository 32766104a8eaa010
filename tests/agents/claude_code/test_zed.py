"""Zed's adapter gives the model tools of its own in place of the client's (`claude-code-acp` 0.13.2 read, 2.1.22)."""

from __future__ import annotations

from typing import Any

import pytest

from agents.claude_code.session import Session
from carryover import model

CART = "/home/dev/shop/src/cart.py"


def answered(transcript: Session, name: str, text: str, **given: Any) -> model.ToolResult:
    """Calls a tool of the adapter, whose results are lists of blocks, and gives how it ended."""
    blocks = [{"type": "text", "text": text}]
    made = transcript.runs(name, blocks, result=blocks, **given)
    return next(body for body in made if isinstance(body, model.ToolResult))


@pytest.mark.parametrize(
    ("printed", "status", "code", "output"),
    [
        ("Exited with code 0.Final output:\n\n2 passed\n", "ok", None, "2 passed\n"),
        ("Exited with code 1.Signal `Hangup: 1`. Final output:\n\n1 failed\n", "error", 1, "1 failed\n"),
        ("Timed out. Exited with code 143.Final output:\n\nwaiting\n", "error", None, "Timed out.\nwaiting\n"),
        ("Timed out. New output:\n\n", "error", None, "Timed out.\n"),
        ("Interrupted by the user. Signal `SIGINT`. Final output:\n\n2 of 9\n", "interrupted", None, "2 of 9\n"),
        ("Tool cancelled by user", "interrupted", None, ""),
    ],
)
def test_a_command_ends_as_the_line_before_its_output_says(
    printed: str, status: str, code: int | None, output: str
) -> None:
    transcript = Session()
    result = answered(transcript, "mcp__acp__Bash", printed, command="make test", description="Run the tests")

    assert (result.name, result.op, result.subject) == ("Bash", "shell", "make test")
    assert (result.status, result.exit_code, result.output) == (status, code, output)


def test_its_edits_are_edits() -> None:
    transcript = Session()
    patch = f"Index: {CART}\n===\n--- {CART}\n+++ {CART}\n@@ -1,1 +1,1 @@\n-price = 1\n+price = 2\n"
    answered(transcript, "mcp__acp__Edit", patch, file_path=CART, old_string="price = 1", new_string="price = 2")
    written = f"The file {CART} has been updated successfully."
    answered(transcript, "mcp__acp__Write", written, file_path=CART, content="x")

    assert [(edit.path, edit.change) for edit in transcript.all(model.FileEdit)] == [(CART, "modify")] * 2


def test_another_servers_tools_and_what_a_command_prints_stay_as_they_are() -> None:
    transcript = Session()
    other = answered(transcript, "mcp__acp__Deploy", "Exited with code 1.Final output:\n\nno", stage="test")
    transcript.runs("Bash", "Exited with code 1.Final output:\n\nno", result={"stdout": "no"}, command="cat ci.log")

    assert (other.name, other.status) == ("mcp__acp__Deploy", "ok")
    assert [result.status for result in transcript.all(model.ToolResult)] == ["ok", "ok"]


@pytest.mark.parametrize(
    ("printed", "states"),
    [
        ("New output:\n\nReady on port 3000\n", ["running"]),
        ("Exited with code 0.Final output:\n\n", ["running", "done"]),
        ("Exited with code 1.Final output:\n\nport in use\n", ["running", "failed"]),
        ("Killed. Exited with code 143.Final output:\n\n", ["running", "stopped"]),
    ],
)
def test_a_job_is_begun_and_looked_at(printed: str, states: list[str]) -> None:
    transcript = Session()
    begun = "Command started in background with id: term-7"
    answered(transcript, "mcp__acp__Bash", begun, command="npm run dev", run_in_background=True)
    answered(transcript, "mcp__acp__BashOutput", printed, task_id="term-7", block=False, timeout=1000)

    jobs = transcript.all(model.BackgroundTask)
    assert [job.state for job in jobs] == states and {job.task_id for job in jobs} == {"term-7"}
