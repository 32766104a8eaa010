"""What successful calls changed."""

from __future__ import annotations

import pytest

from agents.claude_code.session import Session
from carryover.model import AnyBody, BackgroundTask, FileEdit, PlanItem, PlanUpdate, ToolResult


def after(bodies: list[AnyBody]) -> list[AnyBody]:
    """What came with a result."""
    assert isinstance(bodies[0], ToolResult)
    return bodies[1:]


def test_an_edit_of_the_handoff_is_no_work_on_the_project() -> None:
    transcript = Session()
    bodies = transcript.runs("Write", "ok", file_path="/home/dev/shop/.carryover/handoff.md", content="x")

    assert after(bodies) == []


def test_files_changed_in_the_shell_count() -> None:
    transcript = Session()
    bodies = transcript.runs(
        "Bash", "", result={"stdout": ""}, command='echo "__pycache__/" >> .gitignore && git mv a.py b.py'
    )

    assert after(bodies) == [
        FileEdit(path="/home/dev/shop/.gitignore", change="modify", call_id="toolu_1"),
        FileEdit(path="/home/dev/shop/b.py", change="rename", call_id="toolu_1", old_path="/home/dev/shop/a.py"),
    ]


def test_a_job_is_known_by_the_text_where_there_is_no_structured_result() -> None:
    """Sub-agents' files (2.1.328)."""
    shell = Session(subagent_id="a1")
    agent = Session(subagent_id="a1")

    assert after(shell.runs("Bash", "Command running in background with ID: b1. Output", command="make all")) == [
        BackgroundTask(task_id="b1", state="running", label="make all")
    ]
    assert after(
        agent.runs("Agent", "Async agent launched successfully.\nagentId: a9 (internal)", description="Poem")
    ) == [BackgroundTask(task_id="a9", state="running", label="Poem")]


def test_a_sub_agent_in_the_background_is_a_job_and_one_that_has_finished_is_none() -> None:
    transcript = Session()
    launched = transcript.runs(
        "Task", "Async agent launched", result={"status": "async_launched", "agentId": "a9"}, description="Poem"
    )
    finished = transcript.runs(
        "Agent", "SUB-DONE\nagentId: a8", result={"status": "completed", "agentId": "a8"}, description="Look"
    )

    assert after(launched) == [BackgroundTask(task_id="a9", state="running", label="Poem")]
    assert after(finished) == []


def test_a_stopped_job_has_stopped() -> None:
    transcript = Session()
    bodies = transcript.runs("TaskStop", "stopped", result={"message": "stopped", "task_id": "b1"}, task_id="b1")

    assert after(bodies) == [BackgroundTask(task_id="b1", state="stopped")]


OUTPUT = "<retrieval_status>success</retrieval_status>\n\n<task_id>b1</task_id>\n\n<task_type>{}</task_type>\n\n"


@pytest.mark.parametrize(
    ("name", "output", "found"),
    [
        ("BashOutput", "<status>running</status>\n<stdout>\nx</stdout>", None),
        ("BashOutput", "<status>completed</status>\n<exit_code>0</exit_code>", "done"),
        ("BashOutput", "<status>completed</status>\n<exit_code>1</exit_code>", "failed"),
        ("BashOutput", "<status>killed</status>", "stopped"),
        ("TaskOutput", f"{OUTPUT.format('local_bash')}<status>running</status>\n<output>x</output>", None),
        ("TaskOutput", f"{OUTPUT.format('local_bash')}<status>failed</status>\n<output>x</output>", "failed"),
    ],
)
def test_a_look_at_a_job_may_find_that_it_has_ended(name: str, output: str, found: str | None) -> None:
    """TaskOutput 2.1.11; BashOutput read about."""
    transcript = Session()
    call = transcript.calls(name, **{"bash_id" if name == "BashOutput" else "task_id": "b1"})
    bodies = transcript.result(call, output)

    assert after(bodies) == ([] if found is None else [BackgroundTask(task_id="b1", state=found)])  # type: ignore[arg-type]


def test_the_task_list_is_sent_whole_after_each_change() -> None:
    transcript = Session()
    transcript.runs("TaskCreate", "Task #1 created", result={"task": {"id": "1"}}, subject="Wire discount")
    transcript.runs("TaskCreate", "Task #2 created", result={"task": {"id": "2"}}, subject="Test it")
    transcript.runs("TaskUpdate", "Updated", result={"taskId": "1"}, taskId="1", status="in_progress")
    transcript.runs("TaskUpdate", "Updated", result={"taskId": "1"}, taskId="1", status="completed")
    transcript.runs("TaskUpdate", "Updated", result={"taskId": "2"}, taskId="2", status="deleted")

    assert [body.items for body in transcript.bodies if isinstance(body, PlanUpdate)] == [
        (PlanItem(text="Wire discount"),),
        (PlanItem(text="Wire discount"), PlanItem(text="Test it")),
        (PlanItem(text="Wire discount", state="active"), PlanItem(text="Test it")),
        (PlanItem(text="Wire discount", state="done"), PlanItem(text="Test it")),
        (PlanItem(text="Wire discount", state="done"),),
    ]
