"""What looks at background jobs, and orders to stop them, say of these."""

from __future__ import annotations

from typing import Any

import pytest

from agents.claude_code.session import Session
from carryover import model

OUTPUT = "<retrieval_status>success</retrieval_status>\n\n<task_id>b1</task_id>\n\n"


def ended(transcript: Session) -> str | None:
    """How job b1 ended, as far as its session says; no other job is named."""
    jobs = transcript.all(model.BackgroundTask)
    assert all(job.task_id == "b1" for job in jobs) and len(jobs) < 2
    return jobs[0].state if jobs else None


@pytest.mark.parametrize(
    ("name", "output", "state"),
    [
        ("BashOutput", "<status>running</status>\n<stdout>\nx</stdout>", None),
        ("BashOutput", "<status>completed</status>\n<exit_code>1</exit_code>", "failed"),
        ("BashOutput", "<status>killed</status>", "stopped"),
        ("TaskOutput", f"{OUTPUT}<status>running</status>\n<output>x</output>", None),
        ("TaskOutput", f"{OUTPUT}<status>failed</status>\n<output>x</output>", "failed"),
    ],
)
def test_a_look_at_a_job_may_find_that_it_has_ended(name: str, output: str, state: Any) -> None:
    """TaskOutput 2.1.11; BashOutput 2.0.28, 2.0.37; its `killed` was read about."""
    transcript = Session()
    call = transcript.calls(name, **{"bash_id" if name == "BashOutput" else "task_id": "b1"})

    transcript.result(call, output)
    assert ended(transcript) == state


_TIME = "<timestamp>2025-11-12T15:39:18.326Z</timestamp>"


@pytest.mark.parametrize(
    ("name", "output", "shown"),
    [
        ("TaskOutput", f"{OUTPUT}<status>running</status>\n\n<output>\nReady.\n</output>", "running\nReady."),
        (
            "TaskOutput",
            "<task_type>local_agent</task_type>\n\n<status>running</status>\n\n<output>\n[Tool: Write] {}\n</output>",
            "running",
        ),
        ("TaskOutput", "<retrieval_status>not_ready</retrieval_status>\n\n<status>running</status>", "running"),
        ("BashOutput", f"<status>running</status>\n\n{_TIME}", "running"),
        (
            "BashOutput",
            "<status>failed</status>\n\n<exit_code>1</exit_code>\n\n<stdout>\n<status>ok</status>\n</stdout>\n\n"
            f"<stderr>\nNo cart.\n</stderr>\n\n{_TIME}",
            "failed\n<status>ok</status>\n\nNo cart.",
        ),
    ],
)
def test_a_look_at_a_job_shows_its_state_and_what_it_printed(name: str, output: str, shown: str) -> None:
    """TaskOutput 2.0.67 to 2.1.145, BashOutput 2.0.28 to 2.0.37."""
    transcript = Session()
    transcript.runs(name, output, task_id="b1")

    (looked,) = transcript.all(model.ToolResult)
    assert (looked.subject, looked.output) == ("b1", shown)


def test_what_a_job_printed_names_no_other_job() -> None:
    transcript = Session()
    call = transcript.calls("BashOutput", bash_id="b1")

    transcript.result(call, "<status>completed</status>\n\n<stdout>\n<task_id>b2</task_id>\n</stdout>")
    assert ended(transcript) == "done"


@pytest.mark.parametrize(
    ("name", "given", "output", "state"),
    [
        ("KillShell", "shell_id", "Shell b1 is not running, so cannot be killed (status: completed)", "done"),
        ("KillShell", "shell_id", "Shell b1 is not running, so cannot be killed (status: killed)", "stopped"),
        ("TaskStop", "task_id", "<tool_use_error>Task b1 is not running (status: failed)</tool_use_error>", "failed"),
        ("TaskStop", "task_id", "<tool_use_error>Task b1 is already completed</tool_use_error>", "done"),
        ("KillShell", "shell_id", "<tool_use_error>No shell found with ID: b1</tool_use_error>", "stopped"),
        ("TaskOutput", "task_id", "<tool_use_error>No task found with ID: b1</tool_use_error>", "stopped"),
        ("TaskStop", "task_id", "<tool_use_error>No permission</tool_use_error>", None),
        ("Bash", "command", "Shell b1 is not running, so cannot be killed (status: completed)", None),
    ],
)
def test_a_job_that_can_not_be_stopped_since_it_ended_has_ended(name: str, given: str, output: str, state: Any) -> None:
    transcript = Session()
    transcript.runs(name, output, failed=True, result=f"Error: {output}", **{given: "b1"})
    assert ended(transcript) == state


def test_a_connectors_tool_is_named_without_the_id_of_its_server() -> None:
    """An id looks like a token, which is hidden, and the tool with it."""
    transcript = Session()
    transcript.runs("mcp__2384c20c-dbc7-4c60-9381-db7c04fd157e__update_workflow", "Done.")

    assert [result.name for result in transcript.all(model.ToolResult)] == ["mcp__update_workflow"]


@pytest.mark.parametrize(
    ("described", "label"), [({"description": "Serve the shop"}, "Serve the shop"), ({}, "make serve")]
)
def test_a_job_is_named_by_its_description_or_else_its_command(described: dict[str, str], label: str) -> None:
    transcript = Session()
    call = transcript.calls("Bash", command="make serve", run_in_background=True, **described)
    transcript.result(call, "Command running in background with ID: b1", toolUseResult={"backgroundTaskId": "b1"})

    assert [job.label for job in transcript.all(model.BackgroundTask)] == [label]
