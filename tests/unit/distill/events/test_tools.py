from __future__ import annotations

import pytest

from carryover.distill.digest import Digest, Failure, Pending
from carryover.distill.language.prose import Quote
from carryover.distill.view import Note
from carryover.model import Op, ToolCall
from support.conversation import Conversation


@pytest.mark.parametrize(("output", "status"), [("3 passed in 0.1s", "pass"), ("1 failed, 2 passed in 0.1s", "fail")])
def test_a_test_run_whose_end_nobody_tells_counts_by_its_own_summary(output: str, status: str) -> None:
    talk = Conversation().user("Fix the cart").ran("pytest -q", output, status="unknown")

    assert [(seen.run.status, seen.command) for seen in talk.digest.runs] == [(status, "pytest -q")]
    assert talk.digest.turn is not None
    assert talk.digest.turn.tests == status
    assert talk.digest.failures == ()


@pytest.mark.parametrize("output", ["", "collected 3 items\n\ntests/test_cart.py ..", "no tests ran in 0.01s"])
def test_without_a_verdict_in_its_output_it_counts_for_nothing(output: str) -> None:
    talk = Conversation().user("Fix the cart").ran("pytest -q", output, status="unknown")

    assert talk.digest.runs == ()
    assert talk.digest.turn is not None
    assert talk.digest.turn.tests is None


@pytest.mark.parametrize("status", ["denied", "interrupted"])
def test_a_test_run_that_was_refused_or_stopped_is_none(status: str) -> None:
    talk = Conversation().user("Fix the cart")
    talk.ran("pytest -q", "3 passed in 0.1s", status=status)  # type: ignore[arg-type]

    assert talk.digest.runs == ()


def test_of_other_commands_whose_end_nobody_tells_nothing_is_concluded() -> None:
    talk = Conversation().user("Release it").ran("npm run deploy", "error: no such bucket", status="error")
    talk.ran("npm run deploy", "done", status="unknown")
    talk.ran("git commit -m x", "[main f0bf20a] Add a discount", status="unknown")

    assert [(failure.times, failure.mended) for failure in talk.digest.failures] == [(1, False)]
    assert talk.digest.turn is not None
    assert talk.digest.turn.commits == ()


@pytest.mark.parametrize(
    ("subject", "op", "counted"),
    [
        pytest.param("oven.py", "read", "looked", id="read"),
        pytest.param("heat", "search", "looked", id="search"),
        pytest.param("ls -la", "shell", "looked", id="look around"),
        pytest.param("git log -3", "shell", "chores", id="git"),
        pytest.param("pytest -q", "shell", "chores", id="tests"),
        pytest.param("cd /x && ruff format .", "shell", "chores", id="formatter"),
        pytest.param("make loaf", "shell", "changed", id="other command"),
        pytest.param("oven.py", "edit", "changed", id="edit"),
        pytest.param("oven.py", "write", "changed", id="write"),
        pytest.param("look into it", "agent", "changed", id="sub-agent"),
        pytest.param("todo", "plan", None, id="plan"),
        pytest.param("thing", "other", None, id="unknown tool"),
    ],
)
def test_a_call_counts_as_looking_a_chore_or_work(subject: str, op: Op, counted: str | None) -> None:
    turn = Conversation().user("Fix the cart").calls(subject, op=op).turn
    counts = {"looked": turn.looked, "chores": turn.chores, "changed": turn.changed}

    assert counts == {name: int(name == counted) for name in counts}


def test_a_call_is_in_flight_until_its_result_or_the_next_prompt() -> None:
    talk = Conversation().user("Train it").calls("python\ntrain.py")
    assert talk.digest.calls == (Pending(id="c1", text="python train.py", at_ms=talk.at_ms, turn=1, changes=True),)

    assert Conversation().user("Train it").ran("python train.py", "ok").digest.calls == ()
    assert talk.user("go on").digest.calls == ()


def test_a_call_that_only_looks_changes_nothing_and_one_that_edits_does() -> None:
    talk = Conversation().user("Fix the cart").calls("ls").calls("cart.py", op="edit", name="Edit")

    assert [(call.changes, call.edits) for call in talk.digest.calls] == [(False, False), (True, True)]


def test_what_the_user_ran_is_no_call_of_the_turn() -> None:
    talk = Conversation().user("Fix the cart")
    talk.event(ToolCall(call_id="c", name="Bash", op="shell", subject="make", actor="human"))

    assert (talk.digest.calls, talk.turn.changed) == ((), 0)


def test_what_was_tried_and_why_it_failed_are_kept_together() -> None:
    talk = Conversation().user("Deploy it").ran("npm run deploy", "Exit code 1\nError: no such bucket", status="error")

    assert talk.digest.failures == (
        Failure(
            tried="`npm run deploy`",
            why="Error: no such bucket",
            at_ms=talk.at_ms,
            signature="shell:npm run deploy",
            turn=1,
            program="npm run",
        ),
    )


def test_the_same_thing_tried_again_counts_up_and_a_success_mends_it() -> None:
    talk = Conversation().user("Deploy it")
    for part in (1, 2, 3):
        talk.ran(f"make deploy{part}", "Exit code 1\nError: no such bucket", status="error")
    assert [(failure.times, failure.mended) for failure in talk.digest.failures] == [(3, False)]

    talk.ran("make deploy7", "ok")
    assert [(failure.times, failure.mended) for failure in talk.digest.failures] == [(3, True)]


def test_the_same_program_that_fails_for_the_same_reason_is_the_same_try() -> None:
    talk = Conversation().user("Deploy it")
    talk.ran("./deploy.sh now --fast", "Error: no such bucket", status="error")
    talk.ran("./deploy.sh now --slow", "Error: no such bucket", status="error")
    talk.ran("./deploy.sh now --slow --twice", "Error: no key", status="error")

    assert [(failure.tried, failure.times) for failure in talk.digest.failures] == [
        ("`./deploy.sh now --slow`", 2),
        ("`./deploy.sh now --slow --twice`", 1),
    ]


def test_looking_around_and_refused_calls_are_no_failures() -> None:
    talk = Conversation().user("Look").ran("ls nowhere", "Exit code 2\nls: no such file", status="error")
    talk.ran("cart.py", "string not found", status="error", op="edit", name="Edit", never_ran=True)
    talk.ran("rm README.md", "The user doesn't want to proceed", status="denied")

    assert talk.digest.failures == ()


def test_what_the_user_said_on_refusing_a_call_is_a_rule() -> None:
    refused = "It was rejected. To tell you how to proceed, the user said:\nuse  `yarn` for it"
    talk = Conversation().user("Install it").ran("npm install", refused, status="denied")

    assert talk.turn.rules == (Quote("use `yarn` for it", "said on refusing a call", 2.0, ("yarn",)),)
    assert talk.notes == [Note(kind="decision", text="use `yarn` for it", at_ms=talk.at_ms, weight=2)]
    assert Conversation().user("Install it").ran("npm install", "It was rejected.", status="denied").notes == []


def test_commits_are_shown_by_their_subject() -> None:
    talk = Conversation().user("Commit it")
    talk.ran("git commit -m x", "[main f0bf20a] Add a discount\n 1 file changed\n[main (root-commit) abc1234] Begin")

    assert talk.turn.commits == ("Add a discount (f0bf20a)", "Begin (abc1234)")
    assert Conversation().user("Commit it").ran("echo", "[main f0bf20a] Add a discount").turn.commits == ()


def test_a_test_run_that_failed_by_its_surroundings_is_a_failure_once() -> None:
    talk = Conversation().user("Run the tests")
    for _ in range(2):
        talk.ran("pytest -q", "E   ModuleNotFoundError: No module named 'yeast'\n1 error", status="error")

    assert [(failure.tried, failure.why) for failure in talk.digest.failures] == [
        ("`pytest -q`", "ModuleNotFoundError: No module named 'yeast'")
    ]


def test_reading_the_handoff_is_not_taken_in() -> None:
    talk = Conversation().ran("cat .carryover/handoff.md", "error: boom", status="error")

    assert (talk.digest, talk.notes) == (Digest(), [])


HANDOFF = (
    "# [CARRYOVER] Last updated 2026-11-20T06:00:00Z from Codex\n# RESUME PROTOCOL: ask\n## Failed approaches\n"
    "- Error: no such bucket\nFull history: `carryover show a`"
)


def test_a_handoff_in_an_output_is_not_read_and_the_rest_of_it_is() -> None:
    alone = Conversation().user("Deploy it").ran("./show.sh all", HANDOFF, status="error")
    beside = Conversation().user("Deploy it").ran("./show.sh all", f"{HANDOFF}\nError: no key", status="error")

    assert [failure.why for failure in alone.digest.failures] == [""]
    assert [failure.why for failure in beside.digest.failures] == ["Error: no key"]
    assert alone.digest.calls == beside.digest.calls == ()


def test_a_line_of_the_protocol_in_an_output_costs_nothing() -> None:
    output = "# RESUME PROTOCOL: ask\nFAILED tests/test_gate.py::test_ask - assert 1 == 2\n1 failed in 0.1s"
    talk = Conversation().user("Run the tests").ran("pytest -q", output, status="error")

    assert [(seen.run.status, seen.run.failed_names) for seen in talk.digest.runs] == [
        ("fail", ("tests/test_gate.py::test_ask",))
    ]
    assert talk.digest.calls == ()
