from __future__ import annotations

import pytest

from carryover.distill.sections.entry import Entry
from carryover.distill.sections.failed_approaches import failed_entries
from carryover.distill.view import SessionView
from carryover.distill.work.state import Item, Line
from carryover.model import BackgroundTask, TurnEnd
from support.conversation import MINUTE_MS, Conversation

DAY_MS = 86_400_000
LINE = Line(id="s1:1")


def deployed(subject: str = "npm run deploy", output: str = "Error: no such bucket: shop-eu") -> Conversation:
    return Conversation().user("Deploy the shop to the bucket").ran(subject, output, status="error")


def entries(talk: Conversation, line: Line = LINE, *, later_ms: int = 0) -> list[Entry]:
    return failed_entries(line, [talk.view()], {"s1"}, talk.at_ms + later_ms)


def texts(talk: Conversation, line: Line = LINE) -> list[str]:
    return [entry.text for entry in entries(talk, line)]


def test_what_was_tried_and_why_it_failed_is_one_line_of_its_turn() -> None:
    talk = deployed()

    assert entries(talk) == [
        Entry(
            text="`npm run deploy` → Error: no such bucket: shop-eu",
            rule="call that failed",
            session="s1",
            turn=1,
            at_ms=talk.at_ms,
        )
    ]


def test_what_was_tried_again_says_how_often() -> None:
    talk = deployed().ran("npm run deploy", "Error: no such bucket: shop-eu", status="error")

    assert texts(talk) == ["`npm run deploy` → Error: no such bucket: shop-eu (2 times)"]


def test_what_soon_worked_is_left_out_and_what_took_three_tries_is_reported() -> None:
    soon, second, late = deployed(), deployed(), deployed()
    for talk, more in ((soon, 0), (second, 1), (late, 2)):
        for _ in range(more):
            talk.ran("npm run deploy", "Error: no such bucket: shop-eu", status="error")
        talk.ran("npm run deploy", "ok")

    assert texts(soon) == texts(second) == []
    assert texts(late) == ["`npm run deploy` → Error: no such bucket: shop-eu (3 times, worked in the end)"]


def test_what_the_assistant_said_of_it_is_reported_where_it_explains() -> None:
    explained = deployed().says("The bucket is missing because the region is wrong.", final=False)
    remarked = deployed().says("Let me look at the bucket.", final=False)

    assert texts(explained) == [
        "`npm run deploy` → Error: no such bucket: shop-eu; The bucket is missing because the region is wrong."
    ]
    assert texts(remarked) == ["`npm run deploy` → Error: no such bucket: shop-eu"]


def test_a_failure_without_a_cause_is_left_out_unless_the_assistant_gave_one() -> None:
    silent = deployed(output="")
    explained = deployed(output="").says("It failed since the key is old.", final=False)

    assert texts(silent) == []
    assert texts(explained) == ["`npm run deploy` → It failed since the key is old."]


def test_what_the_user_took_back_is_reported_as_such() -> None:
    talk = Conversation().user("Move the API to a class").edited("api.py").says("Moved.")
    talk.user("go back to plain functions, that was nicer")

    assert [(entry.text, entry.rule, entry.turn) for entry in entries(talk)] == [
        (
            "Move the API to a class → the user took it back: go back to plain functions, that was nicer",
            "taken back by the user",
            2,
        )
    ]


def test_what_the_user_stopped_and_forbade_is_described_by_what_was_done_then() -> None:
    talk = Conversation().user("Speed up the tests").ran("ls").says("I'll delete the slow ones.", final=False)
    talk.calls("rm tests/slow.py").event(TurnEnd(reason="interrupted")).user("no, don't delete any tests")

    assert texts(talk) == ["I'll delete the slow ones. → the user stopped it: no, don't delete any tests"]


def test_an_error_that_the_user_pasted_is_shown_as_reported() -> None:
    talk = Conversation().user("Find out why it stops:\n\nTraceback (most recent call last):\nKeyError: 'door'")

    assert texts(talk) == ["reported by the user → KeyError: 'door'"]


def test_a_background_job_that_failed_is_recognised_by_its_exit_code() -> None:
    talk = Conversation().user("Train the model on the data")
    talk.event(BackgroundTask(task_id="j", state="failed", label='"train.py" failed with exit code 137'))

    assert texts(talk) == ["train.py → exit code 137 (killed, likely out of memory)"]


def test_a_test_run_that_could_not_run_is_reported_and_one_that_failed_an_expectation_is_not() -> None:
    broken = (
        Conversation()
        .user("Run the tests")
        .ran("pytest -q", "E   ModuleNotFoundError: No module named 'yeast'\n1 error", status="error")
    )
    failing = Conversation().user("Run the tests").ran("pytest -q", "E   assert 1 == 2\n1 failed", status="error")

    assert texts(broken) == ["`pytest -q` → ModuleNotFoundError: No module named 'yeast'"]
    assert texts(failing) == []


def test_what_the_assistant_said_did_not_work_is_among_them_newest_first() -> None:
    talk = deployed()
    reported = Item(
        text="Steam was too slow.", at_ms=talk.at_ms + 1, session="s2", turn=4, rule="failure told in the answer"
    )
    older = Item(text="Gas was too slow.", at_ms=1, session="s2", turn=2, rule="failure told in the answer")

    assert [
        (entry.text, entry.session, entry.turn) for entry in entries(talk, Line(id="s1:1", dead_ends=(older, reported)))
    ] == [
        ("Steam was too slow.", "s2", 4),
        ("`npm run deploy` → Error: no such bucket: shop-eu", "s1", 1),
        ("Gas was too slow.", "s2", 2),
    ]


@pytest.mark.parametrize(("on_line", "days", "reported"), [(True, 30, True), (False, 2, True), (False, 4, False)])
def test_other_sessions_failures_are_reported_for_three_days(on_line: bool, days: int, reported: bool) -> None:
    talk = deployed()
    sessions = {"s1"} if on_line else set[str]()

    assert bool(failed_entries(LINE, [talk.view()], sessions, talk.at_ms + days * DAY_MS)) is reported


def test_a_sub_agents_failures_are_reported_too() -> None:
    sub, main = deployed(), Conversation().user("Deploy the shop to the bucket")
    view = SessionView(
        session="s1",
        agent="codex",
        started_ms=0,
        last_ms=main.at_ms + MINUTE_MS,
        digest=main.digest,
        subagents=(sub.digest,),
    )

    assert [entry.text for entry in failed_entries(LINE, [view], {"s1"}, sub.at_ms)] == [
        "`npm run deploy` → Error: no such bucket: shop-eu"
    ]


def test_at_most_seven_are_reported() -> None:
    talk = Conversation().user("Deploy the shop to the bucket")
    for name in "abcdefghi":
        talk.ran(f"./deploy-{name} now", f"Error: no such bucket: {name}", status="error")

    assert [text[:11] for text in texts(talk)] == [f"`./deploy-{name}" for name in "ihgfedc"]
