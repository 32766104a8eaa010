"""What is open stays open: questions until their session replies, tests until they pass in any session."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from carryover import model
from carryover.distill.own_text import PROTOCOL_QUESTION, go_on_prompt
from carryover.distill.render import render
from carryover.facts import DAY_MS
from carryover.model import ToolResult
from support.conversation import GOAL, MINUTE_MS, START_MS, handoff, project, section, session, under, worked


def test_failing_and_stale_tests_are_open_and_the_newest_run_counts() -> None:
    talk = session("s1").user(GOAL).ran("pytest -q", "84 passed in 2.1s").edited("cart.py").says("Done.")
    assert "Tests not run again since `cart.py` changed" in under("Open questions", talk)

    output = "FAILED test_cart.py::test_cap\n1 failed in 0.1s"
    talk.user("Test it.").ran("pytest -q", output, status="error").says("It fails.")
    assert "Tests fail in test_cart.py::test_cap" in under("Open questions", talk)
    assert "failed (1 failed)" in under("Where it stands", talk)

    talk.user("Fix it.").edited("cart.py").ran("pytest -q", "84 passed in 2.1s").says("Fixed.")
    assert under("Open questions", talk) == ""


def test_a_scratch_file_makes_no_test_run_stale() -> None:
    talk = session("s1").user(GOAL).ran("pytest -q", "84 passed in 2.1s")
    talk.event(model.FileEdit(path="/tmp/try.py", change="add")).says("Done.")

    assert under("Open questions", talk) == ""
    assert "`/tmp/try.py`: added" in under("Recent files", talk)
    assert "tests unknown" not in under("Recent files", talk)


@pytest.mark.parametrize(("said", "is_open"), [("hi", False), ("hi, is the cap right", True)])
def test_what_an_agent_asks_after_a_greeting_is_no_question(said: str, is_open: bool) -> None:
    talk = session("s1").user(said).says("Hi! Which of the two carts shall I look at?")

    assert ("Which of the two" in under("Open questions", talk)) is is_open
    talk.user(GOAL).edited("cart.py").says("Hi! Which of the two?")
    assert "Which of the two" in under("Open questions", talk)


@pytest.mark.parametrize(("works", "is_open"), [(True, True), (False, False)])
def test_what_an_agent_that_was_told_to_go_on_asks_is_open_once_it_did_something(works: bool, is_open: bool) -> None:
    """Before that it asks whether to go on, whatever it was told."""
    talk = session("s2", hours=1, agent="codex").user(go_on_prompt(".carryover/handoff.md")).ran("cat cart.py")
    talk = talk.edited("cart.py") if works else talk

    asked = under("Open questions", worked(), talk.says("I read the handoff. Shall prices stay in cents?"))
    assert ("Shall prices stay in cents?" in asked) is is_open


def test_a_question_mark_within_code_asks_nothing() -> None:
    said = "Committed `70beace`.\n\nI left the cache alone. `git status` now only has `?? .cache/` left."
    assert under("Open questions", worked(says=said)) == ""
    asked = "Shall I ignore `a.b? c` too?"
    assert asked in under("Open questions", worked(says=f"{said} {asked}"))


@pytest.mark.parametrize(
    "quoted", ["> Push it to production?", "```\nPush it to production?\n```", "> - Push it?\n> - Which branch?"]
)
def test_a_question_that_an_agent_quotes_is_not_the_agents(quoted: str) -> None:
    """A quoted page, file or log may end in a question."""
    talk = session("s1").user(GOAL).edited("cart.py").says(f"I fixed it. The page says:\n\n{quoted}")

    assert under("Open questions", talk) == ""
    assert "asked" not in render(handoff(talk.user("yes").edited("cart.py").says("Done.")))


def test_text_below_a_closing_fence_without_an_opening_one_is_the_agents() -> None:
    """An agent may forget the fence above a block."""
    talk = worked(says="This is the patch:\n\n+ cap(cart)\n```\n\nIt is small. Shall I apply it?")

    assert "Shall I apply it?" in under("Open questions", talk)
    cut = worked(says="The page says:\n```\nPush it to production?\n\nShall we?")
    assert under("Open questions", cut) == ""
    begun = worked(says="The test:\n```python\n\nprint('Push it to production?')")
    assert under("Open questions", begun) == "", "a fence that names a language closes nothing"


def test_a_question_has_no_marks_of_bold_text_before_it_or_around_it() -> None:
    """In Chinese no blank ends a sentence."""
    told = under("Open questions", worked(says="折扣已改好。\n\n**小票还没有改。** 要我把小票也改成同样的价格吗？"))
    around = under("Open questions", worked(says="折扣已改好。\n\n**先改小票吗？还是先改税？**"))

    assert "要我把小票也改成同样的价格吗？" in told
    assert "先改小票吗？ 还是先改税？" in around
    assert "**" not in told + around


def test_a_question_may_have_its_options_in_a_quotation() -> None:
    talk = session("s1").user(GOAL).edited("cart.py").says("Which one?\n\n> - the cart?\n> - the till?\n> - none?")

    assert "Which one?" in under("Open questions", talk)


def test_of_failing_tests_it_says_which_and_why() -> None:
    failed = session("s1").user(GOAL).ran("pytest -q", "FAILED a.py::test_a\n1 failed in 1s", status="error")
    why = "E   ValueError: no cents\nFAILED a.py::test_a\n1 failed in 1s"
    told = session("s1").user(GOAL).ran("pytest -q", why, status="error")

    assert section(failed.says("It fails."), title="Open questions") == ["Tests fail in a.py::test_a"]
    assert section(told.says("It fails."), title="Open questions") == [
        "Tests fail in a.py::test_a: ValueError: no cents"
    ]
    both = session("s1").user(GOAL).ran("pytest -q", f"{why}\nFAILED b.py::test_b\n", status="error")
    assert under("Open questions", both.says("They fail.")).endswith(
        "b.py::test_b; first reason given: ValueError: no cents"
    )
    line = under("Open questions", both.ran("pytest -q b.py", "b.py . [100%]\n1 passed in 1s"))
    assert line.startswith("Tests fail (") and ") in a.py::test_a" in line
    first = session("s1").user(GOAL).ran("pytest -q", f"{why}\nFAILED b.py::test_b\n", status="error")
    [line] = section(first.ran("pytest -q a.py", "a.py . [100%]\n1 passed in 1s").says("Once."), title="Open questions")
    assert line.startswith("Tests fail (") and line.endswith(") in b.py::test_b")


def test_a_run_without_any_result_is_not_said_to_fail() -> None:
    talk = session("s1").user(GOAL).ran("go test ./...", "go: cannot set privileged capabilities", status="error")

    assert section(talk.says("Go does not run here."), title="Open questions") == ["Tests ended in an error"]
    assert "no result printed" in under("Where it stands", talk)


def test_a_failure_in_the_last_minute_before_another_run_needs_no_time() -> None:
    talk = session("s1").user(GOAL).ran("pytest -q", "FAILED a.py::test_a\n1 failed in 1s", status="error")
    talk.at_ms -= 150_000  # a command and a message take three minutes
    talk.ran("pytest -q b.py", "b.py ... [100%]\n3 passed in 0.1s").says("It passes.")

    assert section(talk, title="Open questions") == ["Tests fail in a.py::test_a"]


@pytest.mark.parametrize(("passed", "is_open"), [("tests/test_cart.py", False), ("tests/test_tax.py", True)])
def test_a_failed_run_that_names_no_file_has_passed_once_what_it_was_given_passed(passed: str, is_open: bool) -> None:
    talk = session("s1").user(GOAL).ran("pytest -q tests/test_cart.py", "1 failed in 0.1s", status="error")
    talk.ran(f"pytest -q {passed}", f"{passed} ... [100%]\n3 passed in 0.1s").says("It passes.")

    assert ("Tests fail" in under("Open questions", talk)) is is_open


@pytest.mark.parametrize(
    ("later", "is_open"),
    [
        ("tests ../../tests", False),
        ("../../tests tests ../../lib", False),
        ("../../tests tests -k cart", True),
        ("tests", True),
    ],
)
def test_a_failure_is_solved_once_all_that_was_run_with_it_passed(later: str, is_open: bool) -> None:
    """A file is named from the folder of the runner's settings, here the one above: below none of the paths."""
    failed = "FAILED test_web.py::test_page\n1 failed, 72 passed in 0.1s"
    talk = session("s1").user(GOAL).ran("cd /srv/shop/apps/api && pytest tests ../../tests", failed, status="error")
    talk.ran(f"cd /srv/shop/apps/api && pytest {later}", "73 passed in 0.1s").says("Done.")

    assert ("Tests fail" in under("Open questions", talk)) is is_open


@pytest.mark.parametrize(("failed", "is_open"), [("pytest tests", True), ("pytest tests --ignore=tests/slow", False)])
def test_a_run_that_leaves_out_a_failed_test_does_not_close_it(failed: str, is_open: bool) -> None:
    talk = session("s1").user(GOAL).ran(failed, "1 failed, 72 passed in 0.1s", status="error")
    talk.ran("pytest tests --ignore=tests/slow", "72 passed in 0.1s").says("Done.")

    assert ("Tests fail" in under("Open questions", talk)) is is_open


@pytest.mark.parametrize(("folder", "is_open"), [("shop", False), ("shop/tests", False), ("shop-admin", True)])
def test_a_failure_is_solved_once_all_tests_of_a_folder_above_passed(folder: str, is_open: bool) -> None:
    why = "FAIL: test_cap (test_cart.CartTest.test_cap)\nAssertionError: 3 != 4"
    failed = f"{why}\n\nRan 9 tests in 0.1s\n\nFAILED (failures=1)"
    talk = session("s1").user(GOAL)
    talk.ran("cd /srv/shop\nPYTHONPATH=/tmp/old python3 -m unittest discover -s tests", failed, status="error")
    talk.ran(f"cd /srv/{folder}\nmake test 2>&1 | tail -3", "Ran 9 tests in 0.1s\n\nOK").says("It was put back.")

    assert ("Tests fail" in under("Open questions", talk)) is is_open


def test_of_two_runs_in_the_same_moment_the_later_one_counts() -> None:
    """Some agents write times without seconds."""
    talk = session("s1").user(GOAL)
    for output in ("1 failed in 0.1s", "84 passed in 2.1s"):
        talk.at_ms = START_MS
        talk.event(ToolResult(call_id="c", name="Bash", op="shell", status="ok", subject="pytest -q", output=output))

    assert "84 passed" in under("Where it stands", talk.says("Done."))


def test_a_question_is_closed_by_the_next_prompt_of_its_session_and_not_by_one_elsewhere() -> None:
    asked = worked(says="Done. Shall I delete the old table?")
    assert "Shall I delete the old table?" in under("Open questions", asked)

    elsewhere = session("s2", hours=1).user("continue").says("Do you want to continue from here?")
    assert "Shall I delete the old table?" in under("Open questions", asked, elsewhere)
    assert "continue from here?" not in under("Open questions", asked, elsewhere)

    still = under("Open questions", asked, worked("w4", "Add page 4.", hours=4))
    assert "claude-code asked (turn 1 of s1, 4 h earlier): Done. Shall I delete the old table?" in still
    asked.user("Yes, please.")
    assert "Shall I delete the old table?" not in under("Open questions", asked)
    assert "Shall I delete the old table?" in under("Next action", asked)


@pytest.mark.parametrize(("hours", "is_open"), [((200,), True), ((2, 3), False)])
def test_a_question_is_left_for_the_work_of_two_later_sessions(hours: tuple[int, ...], is_open: bool) -> None:
    asked = worked(says="Done. Shall I delete the old table?")
    since = [worked(f"w{number}", f"Add page {number}.", hours=number) for number in hours]
    talk = session("talk", hours=1).user("What is a page?").says("One of the manual.")
    beside = session("beside").user("Draw the logo.")  # begun before the question
    beside.at_ms += 30 * DAY_MS

    assert ("Shall I delete the old table?" in under("Open questions", asked, talk, *since)) is is_open
    assert handoff(asked, talk, *since).settled is not is_open
    assert "Shall I delete" in under("Open questions", asked, talk, beside.edited("logo.svg").says("It is drawn."))


def test_what_an_agent_asks_after_a_scheduled_prompt_is_a_question() -> None:
    nightly = session("n1", hours=2)
    nightly.event(model.UserPrompt(text="Look at the copies.", actor="model", scheduled=True))
    nightly.ran("copies.log", "0 bytes", op="read").says("One is empty. Shall I make it again?", final=True)

    assert "Shall I make it again?" in under("Open questions", worked(), nightly)


def test_nothing_is_left_for_sessions_that_a_schedule_began() -> None:
    nightly = [session(f"n{number}", hours=number) for number in (2, 3)]
    for talk in nightly:
        talk.event(model.UserPrompt(text="Write down the takings.", actor="model", scheduled=True))
        talk.edited("takings.md").says("Written.", final=True)

    assert "Shall I cap it?" in under("Open questions", worked(says="Shall I cap it?"), *nightly)


@pytest.mark.parametrize(("hours", "is_open"), [((200,), True), ((2, 3), False)])
def test_a_todo_list_is_left_for_the_work_of_two_later_sessions(hours: tuple[int, ...], is_open: bool) -> None:
    items = (model.PlanItem(text="Round", state="done"), model.PlanItem(text="Cap"))
    listed = worked().event(model.PlanUpdate(items=items))
    since = [worked(f"w{number}", f"Add page {number}.", hours=number) for number in hours]
    following = under("Next action", listed, *since)

    assert ("open: Cap" in following) is is_open
    assert "open: Cap" in section(listed, *since, title="Next action", led_by="s1")[0]


def test_a_todo_list_of_a_session_that_went_on_is_not_left() -> None:
    """Others worked beside it meanwhile."""
    items = (model.PlanItem(text="Round", state="done"), model.PlanItem(text="Cap"))
    listed = worked().event(model.PlanUpdate(items=items))
    beside = [worked(f"w{number}", f"Add page {number}.", hours=number) for number in (2, 10)]
    listed.at_ms += 14 * 60 * MINUTE_MS

    assert "open: Cap" in under("Next action", listed.user("Go on.").edited("cart.py").says("Half."), *beside)


def test_a_heading_that_asks_is_answered_by_the_text_below_it() -> None:
    options = "## Which one do you want?\n\n1. the cache\n2. the table"
    answered = "## Why a cache?\n\n1. It is fast\n2. It keeps the order\n\nSo both stay in one place."

    assert "Which one do you want?" in under("Open questions", worked(says=f"There are two ways.\n\n{options}"))
    assert "Why a cache?" not in under("Open questions", worked(says=f"The prices are cached.\n\n{answered}"))


def test_a_plan_is_never_left() -> None:
    plan = model.PlanProposal(call_id="p", text="# Plan\n\nMove `cart.py` into a package.")
    waits = session("s1").user(GOAL).event(plan)
    since = [worked(f"w{number}", f"Add page {number}.", hours=number) for number in (2, 200)]

    assert "Move `cart.py` into a package." in under("Open questions", waits, *since)


def test_the_questions_of_four_more_sessions_are_quoted_however_many_sessions_asked_nothing() -> None:
    quiet = [session(f"quiet{number}", hours=1).user("Why?").says("So it is.") for number in range(6)]
    asking = [session(f"asks{number}").user(f"Part {number}.") for number in range(6)]
    for number, talk in enumerate(asking):
        talk.at_ms += number * MINUTE_MS
        talk.edited("cart.py").says(f"Done. Push part {number}?")
    asked = under("Open questions", *asking, *quiet)

    assert [f"Push part {number}?" in asked for number in range(6)] == [False, False, True, True, True, True]


def test_a_question_is_answered_where_the_conversation_goes_on() -> None:
    asked = worked(says="Done. Shall I delete the old table?")
    fork = worked("s2", "No, keep it.", hours=1)
    view = project(asked, fork)
    forked = replace(view, sessions=(replace(view.sessions[0], parent="s1"), view.sessions[1]))
    moved = project(asked, worked("s1@0a1b2c3d", "No, keep it.", hours=1))

    for one, is_open in ((view, True), (forked, False), (moved, False)):
        made = render(handoff(fork, view=one))
        assert ("Shall I delete" in made.partition("## Open questions")[2].partition("\n## ")[0]) is is_open


def test_a_first_prompt_that_says_something_may_be_answered_with_a_question() -> None:
    planned = session("s2", hours=1).user("Then tax.").says("Two ways: per line or per cart. Which one?")
    assert "Which one?" in under("Open questions", worked(), planned)

    planned = session("s2", hours=1).user("Where were we?").says(f"At the discount. {PROTOCOL_QUESTION}")
    assert under("Open questions", worked(), planned) == ""

    read = session("s2", hours=1).user("Read .carryover/handoff.md").says("It is at the tax. Shall I begin with it?")
    assert under("Open questions", worked(), read) == ""


@pytest.mark.parametrize(
    ("later", "is_open"),
    [
        (("pytest -q", "84 passed in 2.1s"), False),
        (("pytest -q tests/test_cart.py", "tests/test_cart.py ... [100%]\n3 passed in 0.1s"), False),
        (("pytest -q tests/test_tax.py", "tests/test_tax.py ... [100%]\n3 passed in 0.1s"), True),
    ],
)
def test_what_failed_in_one_session_has_passed_once_it_passed_in_another(later: tuple[str, str], is_open: bool) -> None:
    output = "FAILED tests/test_cart.py::test_cap\n1 failed in 0.1s"
    failed = session("s1").user(GOAL).edited("cart.py").ran("pytest -q", output, status="error").says("It fails.")
    passed = session("s2", hours=1, agent="codex").user("Fix the cap.").ran(*later).says("It passes.")

    assert (" in tests/test_cart.py::test_cap" in under("Open questions", failed, passed)) is is_open
    again = session("s3", hours=2).user("Test it.").ran("pytest -q", output, status="error").says("It fails.")
    assert "Tests fail in tests/test_cart.py::test_cap" in under("Open questions", failed, passed, again)


def test_of_tests_that_failed_it_says_that_a_later_run_of_them_is_not_clear() -> None:
    failed = "FAILED test_cart.py::test_cap - assert 11 == 10\n1 failed, 3 passed in 0.1s"
    talk = session("s1").user(GOAL).ran("python -m pytest test_cart.py", failed, status="error").edited("cart.py")
    talk.ran("python -m pytest test_tax.py | tail -1", "4 prices, all well")
    assert "fail (3 min earlier) in test_cart.py::test_cap: " in under("Open questions", talk)

    talk.ran("python -m pytest test_cart.py | tail -1", "4 prices, all well")
    assert "fail (5 min earlier; run again since, with an unclear result) in " in under("Open questions", talk)


def test_a_tools_question_is_open_with_its_options_until_the_next_prompt() -> None:
    options = tuple(f"the {word} of all that is sold there" for word in ("euro", "franc", "pound", "krona", "zloty"))
    talk = session("s1").user(GOAL).event(model.Question(call_id="q", text="Which currency?" * 9, options=options))
    assert f"Options: {'; '.join(options)}" in under("Open questions", talk).replace("\n> ", " ")

    since = worked("s2", "Add a logo.", hours=5)
    assert f"Options: {'; '.join(options)}" in under("Open questions", talk, since).replace("\n> ", " ")
    assert "Which currency?" not in under("Open questions", talk.user("Euros."))


def test_a_question_whose_call_failed_was_never_asked() -> None:
    """As a client refuses a question whose heading is too long (Gemini CLI, March 2026)."""
    talk = session("s1").user(GOAL).event(model.Question(call_id="q", text="Which currency?"))
    assert "Which currency?" in under("Open questions", talk)

    talk.event(ToolResult(call_id="q", name="ask_user", op="ask", status="error"))
    assert under("Open questions", talk) == ""


def test_a_question_in_words_is_closed_by_the_answer_to_a_tools_question_after_it() -> None:
    talk = session("s1").user(GOAL).says("There is a.db, no s.db. Which one shall I commit?", final=False)
    assert "Which one shall I commit?" in under("Open questions", talk)

    talk.event(model.Question(call_id="q", text="Commit which?")).event(
        model.Answer(call_id="q", question="Commit which?", text="a.db")
    )
    assert under("Open questions", talk) == ""
    assert "And shall I push it?" in under("Open questions", talk.says("And shall I push it?", final=False))


@pytest.mark.parametrize(
    ("turns", "is_open"),
    [
        ([("Drop the voucher table now.", "It is gone.")], False),
        ([("Where were we?", "At the vouchers. Shall I drop the voucher table?"), ("yes", "It is gone.")], False),
        ([("Add a column to the voucher list.", "It is there.")], True),
        ([("Translate the manual.", "Shall I translate the examples as well?"), ("yes", "They are.")], True),
    ],
)
def test_a_question_that_a_later_turn_elsewhere_answered_is_not_open(
    turns: list[tuple[str, str]], is_open: bool
) -> None:
    asked = worked(says="The vouchers moved. Shall I drop the voucher table?")
    later = session("s2", hours=1, agent="codex")
    for prompt, says in turns:
        later.user(prompt).edited("cart.py").says(says)

    assert ("Shall I drop the voucher table?" in under("Open questions", asked, later)) is is_open


@pytest.mark.parametrize("asks", ["Shall I continue?", "Soll ich weitermachen?", "继续吗？", "¿Quieres continuar?"])
def test_whether_to_go_on_is_no_question_once_the_user_went_on(asks: str) -> None:
    asked = worked(says=f"The vouchers moved. {asks}")
    assert asks in under("Open questions", asked)
    assert asks in under("Open questions", asked, session("s2", hours=1).user("hi").says("Hello!"))

    assert asks not in under("Open questions", asked, worked("s2", "Drop the table.", hours=1))
    assert handoff(asked, worked("s2", "Drop the table.", hours=1)).settled
    named = worked(says="The vouchers moved. Shall I continue with the receipts of the year before?")
    assert "Shall I continue" in under("Open questions", named, worked("s2", "Drop the table.", hours=1))


@pytest.mark.parametrize(
    ("begins", "is_open"),
    [
        (["Truncate, please."], False),
        (["Round half up."], False),
        (["Hello", "Round half up."], False),
        (["Yes, round half up, with tests."], False),
        (["Use truncate for now."], False),
        (["No, first the receipt with its taxes."], True),
        (["fix the bug in truncate"], True),
        (["The importer rounds half of them."], True),
        (["Show the receipt.", "Truncate, please."], True),
        (["continue"], True),
    ],
)
def test_a_question_may_be_answered_by_the_first_prompt_of_a_new_session(begins: list[str], is_open: bool) -> None:
    asked = worked(says="The discount is in cents. Should I round half up, or truncate?")
    later = session("s2", hours=2, agent="codex")
    for prompt in begins:
        later.user(prompt).says("I see.")

    assert ("or truncate?" in under("Open questions", asked, later)) is is_open


def test_an_answer_whose_edit_has_no_result_leaves_something_open() -> None:
    """Aider 0.86.2, which was closed when it asked whether to create the file."""
    talk = session("s1", agent="aider").user(GOAL).calls("/home/dev/shop/till.py", op="edit", name="edit")
    text = render(handoff(talk.says("I will add it.")))

    assert "- Not known whether this edit was made: `till.py`" in text
    assert "The last request was answered" not in text
    assert "this edit" not in under("Open questions", talk.user("No. Leave it.").says("Left."))


def test_words_typed_while_the_agent_works_answer_no_question_that_a_call_waits_with() -> None:
    talk = session("s1").user(GOAL)
    for call_id, text in (("", "Which colour?"), ("c1", "Which unit?")):
        talk.event(model.Question(call_id=call_id, text=text))
    talk.event(model.UserPrompt(text="Leave the importer alone.", in_turn=True))

    assert [question.text for question in talk.digest.questions] == ["Which unit?"]
