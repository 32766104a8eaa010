"""Tool calls: what each tool does and what it was asked."""

from __future__ import annotations

from typing import Any

import pytest

from agents.codex.rollout import Rollout
from carryover.model import Answer, Op, PlanItem, PlanUpdate, Question, ToolCall, ToolResult

PLAN = [
    {"step": "Reproduce", "status": "completed"},
    {"step": "Fix", "status": "in_progress"},
    {"step": "Test", "status": "pending"},
]


@pytest.fixture
def rollout() -> Rollout:
    rollout = Rollout()
    rollout.turn()
    return rollout


def call_of(rollout: Rollout) -> ToolCall:
    return next(body for body in reversed(rollout.bodies) if isinstance(body, ToolCall))


@pytest.mark.parametrize(
    ("name", "arguments", "op", "subject"),
    [
        ("exec_command", {"cmd": "make test"}, "shell", "make test"),
        ("shell", {"command": ["bash", "-lc", "make test"]}, "shell", "make test"),
        ("shell", {"command": ["git", "commit", "-m", "a b"]}, "shell", "git commit -m 'a b'"),
        ("shell_command", {"command": "make test"}, "shell", "make test"),
        ("view_image", {"path": "/home/dev/a.png"}, "read", "/home/dev/a.png"),
        ("spawn_agent", {"message": "Look at it."}, "agent", "Look at it."),
        ("mcp__docs__search", {"query": "rounding"}, "other", "rounding"),
        ("brand_new", {}, "other", ""),
    ],
)
def test_calls(rollout: Rollout, name: str, arguments: dict[str, Any], op: Op, subject: str) -> None:
    call_id = rollout.calls(name, **arguments)

    assert call_of(rollout) == ToolCall(call_id=call_id, name=name, op=op, subject=subject)


def test_a_tool_of_an_mcp_server_is_named_with_its_server(rollout: Rollout) -> None:
    rollout.response("function_call", name="recall", namespace="mcp__carryover", arguments="{}", call_id="call_1")

    assert call_of(rollout).name == "mcp__carryover__recall"


def test_a_search_of_the_provider_is_done_when_it_is_reported(rollout: Rollout) -> None:
    reported = rollout.response(
        "web_search_call", id="ws_1", status="completed", action={"type": "search", "query": "x"}
    )

    assert [(type(body).__name__, getattr(body, "subject", None)) for body in reported] == [
        ("ToolCall", "x"),
        ("ToolResult", "x"),
    ]


def test_a_plan_counts_once_the_client_took_it(rollout: Rollout) -> None:
    taken = rollout.runs("update_plan", "Plan updated", plan=PLAN, explanation="Start")
    refused = rollout.runs("update_plan", "unsupported call: update_plan", plan=PLAN)

    assert taken[1:] == [
        PlanUpdate(
            items=(
                PlanItem(text="Reproduce", state="done"),
                PlanItem(text="Fix", state="active"),
                PlanItem(text="Test", state="pending"),
            )
        )
    ]
    assert len(refused) == 1
    assert getattr(refused[0], "never_ran", None) is True


def test_a_question_and_its_answer(rollout: Rollout) -> None:
    """`request_user_input`: read about, in no recording."""
    asked = {
        "id": "q1",
        "header": "Rounding",
        "question": "Which way?",
        "options": [{"label": "up"}, {"label": "down"}],
    }
    call_id = rollout.calls("request_user_input", questions=[asked])
    answered = rollout.output(call_id, '{"answers":{"q1":{"answers":["up"]}}}')

    assert Question(call_id=call_id, text="Which way?", options=("up", "down")) in rollout.bodies
    assert answered[1:] == [Answer(call_id=call_id, question="Which way?", text="up")]


@pytest.mark.parametrize("arguments", ["", "{", "[]", "5", '{"cmd": 5}', '{"cmd": null}', '{"command": [1]}', "\ud800"])
def test_arguments_that_the_model_got_wrong_cost_the_subject_only(rollout: Rollout, arguments: str) -> None:
    rollout.response("function_call", name="exec_command", arguments=arguments, call_id="c")

    assert call_of(rollout) == ToolCall(call_id="c", name="exec_command", op="shell")
    assert rollout.skipped == []


def test_a_call_that_cannot_be_distinguished_is_counted(rollout: Rollout) -> None:
    rollout.response("function_call", name="exec_command", arguments="{}")
    rollout.response("function_call", arguments="{}", call_id="c")
    rollout.response("function_call", name="exec_command", arguments={"cmd": "ls"}, call_id="c")
    rollout.response("function_call", name="x" * 1000, arguments="{}", call_id="c")

    assert [skipped.reason for skipped in rollout.skipped] == [
        "no usable id or name",
        "no usable id or name",
        "unexpected input",
        "no usable id or name",
    ]


def code_mode(rollout: Rollout, script: str, printed: str) -> ToolResult:
    rollout.response("custom_tool_call", name="exec", call_id="c1", input=script)
    texts = [f"Script completed\nWall time 0.025 seconds\nOutput:\n{part}" for part in ("",)] + [printed]
    output = [{"type": "input_text", "text": text} for text in texts]
    found = rollout.response("custom_tool_call_output", call_id="c1", output=output)
    return next(body for body in found if isinstance(body, ToolResult))


@pytest.mark.parametrize(
    "script",
    [
        'const r = await tools.exec_command({"cmd":"echo x > a.txt; false","workdir":"/home/dev/shop/sub"}); text(r);',
        'const r=await tools.exec_command({workdir:"/srv", cmd:"echo x > a.txt; false",yield_time_ms:30000});text(r)',
    ],
)
def test_a_script_of_code_mode_that_runs_one_command_is_that_command(script: str) -> None:
    """0.145 and 0.146, where no other record has the command. The script prints the result or what it chooses of it."""
    rollout = Rollout(family="legacy", version="0.145.0")
    whole = code_mode(rollout, script, '{"chunk_id":"1","wall_time_seconds":0.02,"exit_code":1,"output":"bad"}')
    chosen = code_mode(rollout, script, "1 failed\n")

    assert (whole.op, whole.subject, whole.status) == ("shell", "echo x > a.txt; false", "error")
    assert (whole.exit_code, whole.output) == (1, "bad")
    assert (chosen.status, chosen.output) == ("unknown", "1 failed")


def test_any_other_script_of_code_mode_is_only_a_script() -> None:
    script = 'const r = await tools.exec_command({cmd: "rm a.py"});'
    of_several = (f"{script}{script}", "text(ALL_TOOLS)", "tools.exec_command({cmd: `ls ${page}`})")
    found = [code_mode(Rollout(family="legacy"), other, "x") for other in of_several]
    rollout = Rollout(family="legacy")
    rollout.ends("exec-1", "rm a.py", 0)
    found += [code_mode(Rollout(), script, "x"), code_mode(rollout, script, "x")]

    assert {(result.op, result.status, result.output) for result in found} == {("other", "ok", "")}
