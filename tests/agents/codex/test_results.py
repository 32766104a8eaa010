"""Results: one a call, from whichever record comes first, with what followed from it."""

from __future__ import annotations

from typing import Any

import pytest

from agents.codex.rollout import SHOP, Rollout, exited, running
from carryover.model import AnyBody, FileEdit, ToolCall, ToolResult

DIFF = "@@ -4,2 +4,2 @@\n a\n-b\n+c\n"


@pytest.fixture(params=["legacy", "paginated"])
def rollout(request: pytest.FixtureRequest) -> Rollout:
    rollout = Rollout(family=request.param)
    rollout.turn()
    return rollout


def result_of(bodies: list[AnyBody]) -> ToolResult:
    (result,) = [body for body in bodies if isinstance(body, ToolResult)]
    return result


def edits_of(bodies: list[AnyBody]) -> list[FileEdit]:
    return [body for body in bodies if isinstance(body, FileEdit)]


def test_the_clients_own_record_comes_first_and_the_output_adds_nothing(rollout: Rollout) -> None:
    call = rollout.calls("exec_command", cmd="make")
    result = result_of(rollout.ends(call, "make", 2, "no rule\n"))

    assert (result.status, result.exit_code, result.output, result.subject) == ("error", 2, "no rule\n", "make")
    assert rollout.output(call, exited(2, "no rule\n")) == []


def test_an_interrupted_command_counts_once_though_its_record_comes_later(rollout: Rollout) -> None:
    call = rollout.calls("exec_command", cmd="sleep 30")
    result = result_of(rollout.output(call, "Wall time: 3.9 seconds\naborted by user"))
    first = rollout.turn_id
    rollout.turn("turn-2")

    assert (result.status, result.exit_code) == ("interrupted", None)
    assert rollout.ends(call, "sleep 30", 0, turn_id=first) == []


def test_an_escalated_command_that_was_put_away_was_refused(rollout: Rollout) -> None:
    """0.169.0 writes the refusal as an interrupt."""
    call = rollout.calls("exec_command", cmd="make install", sandbox_permissions="require_escalated")
    result = result_of(rollout.output(call, "Wall time: 3.8 seconds\naborted by user"))

    assert (result.status, result.never_ran) == ("denied", True)


def test_a_look_that_finds_it_ended_gives_its_result_where_no_other_record_does(rollout: Rollout) -> None:
    call = rollout.calls("exec_command", cmd="npm run build")
    rollout.output(call, running(42))
    reported = rollout.output(rollout.calls("write_stdin", session_id=42, chars=""), exited(1, "failed\n"))
    of_call = [body for body in reported if isinstance(body, ToolResult) and body.call_id == call]

    assert [(result.exit_code, result.output, result.subject) for result in of_call] == [
        (1, "failed\n", "npm run build")
    ]
    assert rollout.ends(call, "npm run build", 1) == []


def test_the_users_own_command_is_a_persons() -> None:
    rollout = Rollout()
    rollout.turn()
    call, result = rollout.ends("u1", "echo x > x.txt", 0, "", source="user_shell")

    assert isinstance(call, ToolCall)
    assert isinstance(result, ToolResult)
    assert (call.actor, result.actor, result.subject) == ("human", "human", "echo x > x.txt")


def test_a_patch_is_what_the_client_says_it_changed() -> None:
    changes = {
        f"{SHOP}/new.py": {"type": "add", "content": "a\nb\n"},
        f"{SHOP}/gone.py": {"type": "delete", "content": "x\n"},
        f"{SHOP}/old.py": {"type": "update", "unified_diff": DIFF, "move_path": f"{SHOP}/moved.py"},
    }  # fmt: skip
    wanted = [
        FileEdit(path=f"{SHOP}/gone.py", change="delete", call_id="call_1"),
        FileEdit(path=f"{SHOP}/new.py", change="add", call_id="call_1", added=2, removed=0, line=1, anchor="a",
                 diff="+a\n+b"),
        FileEdit(
            path=f"{SHOP}/moved.py", old_path=f"{SHOP}/old.py", change="rename", call_id="call_1", added=1, removed=1,
            line=5, anchor="c", diff="@@ +4 @@\n a\n-b\n+c",
        ),
    ]  # fmt: skip
    for family in ("legacy", "paginated"):
        rollout = Rollout(family="legacy" if family == "legacy" else "paginated")
        rollout.turn()
        call = rollout.patches("*** Update File: old.py", "*** Move to: moved.py", "@@", "-b", "+c")
        if family == "legacy":
            reported = rollout.event(
                "patch_apply_end", call_id=call, turn_id="turn-1", status="completed", changes=changes
            )
        else:
            reported = rollout.item("FileChange", id=call, status="completed", changes=changes)
        assert edits_of(reported) == wanted
        assert result_of(reported).subject == f"{SHOP}/old.py"
        assert rollout.response("custom_tool_call_output", call_id=call, output="Exit code: 0\nOutput:\nSuccess.") == []


@pytest.mark.parametrize("status", ["failed", "declined", "brand-new"])
def test_a_patch_that_was_not_applied_changes_nothing(status: str) -> None:
    rollout = Rollout()
    rollout.turn()
    call = rollout.patches("*** Delete File: a.py")
    reported = rollout.item(
        "FileChange", id=call, status=status, changes={f"{SHOP}/a.py": {"type": "delete"}}, stderr="no"
    )

    assert edits_of(reported) == []
    assert result_of(reported).status == {"failed": "error", "declined": "denied"}.get(status, "unknown")


def test_our_own_file_is_nobodys_work(rollout: Rollout) -> None:
    looked = result_of(rollout.runs("exec_command", exited(0, "# [CARRYOVER]"), cmd="cat .carryover/handoff.md"))
    found = result_of(
        rollout.runs("exec_command", exited(0, "a.py:1\n.carryover/handoff.md:3: a\n"), cmd="grep -rn a .")
    )
    wrote = rollout.runs("exec_command", exited(0), cmd="echo 1 > .carryover/handoff.md")
    patch = rollout.patches("*** Delete File: .carryover/handoff.md")
    patched = rollout.response("custom_tool_call_output", call_id=patch, output="Exit code: 0\nOutput:\nSuccess.")

    assert (looked.output, found.output) == ("", "a.py:1\n")
    assert edits_of(wrote) + edits_of(patched) == []


@pytest.mark.parametrize(
    "fields",
    [{"exit_code": "1"}, {"exit_code": 10**400}, {"exit_code": 1.5}, {"aggregated_output": 5}, {"status": None}],
)
def test_a_field_of_another_type_costs_only_itself(fields: dict[str, Any]) -> None:
    rollout = Rollout()
    rollout.turn()
    call = rollout.calls("exec_command", cmd="make")

    reported = {"status": "failed", "exit_code": 1, **fields}
    assert result_of(rollout.ends(call, "make", reported.pop("exit_code"), **reported)).status == "error"


def test_outputs_that_cannot_be_distinguished_are_counted(rollout: Rollout) -> None:
    rollout.response("function_call_output", output="words")
    rollout.output(rollout.calls("exec_command", cmd="make"), {"words": 1})

    assert [skipped.reason for skipped in rollout.skipped] == ["unexpected output"] * 2
