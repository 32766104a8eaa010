"""Which turn leads: the newest intent, whoever it was said to."""

from __future__ import annotations

import re
from typing import Self

import pytest
from msgspec.structs import replace

from carryover import model
from carryover.distill.goals import task_of
from carryover.distill.own_text import go_on_prompt
from carryover.distill.quotes import earlier
from carryover.distill.render import render
from carryover.distill.trail import (
    Step,
    did_something,
    is_idle,
    parallel_sessions,
    waiting_prompts,
)
from carryover.model import PlanItem, PlanUpdate, TurnEnd
from support.conversation import (
    GOAL,
    HOUR_MS,
    MINUTE_MS,
    Conversation,
    handoff,
    past,
    project,
    section,
    session,
    under,
    worked,
)


def talked(name: str, prompt: str, says: str = "It adds up prices.", *, hours: int) -> Conversation:
    return session(name, hours=hours, agent="codex").user(prompt).ran("cat cart.py", "x = 1").says(says)


LOOKED = Conversation().user("continue").ran("git status", "clean").says("It is about cents. Shall I continue?")


@pytest.mark.parametrize(
    ("talk", "idle"),
    [
        (Conversation().user("continue"), True),
        (Conversation().user("hi").says("Hello! What shall I do?"), True),
        (Conversation().user("Danke!").says("Gern."), True),
        (Conversation().user("").says("What shall I do?"), True),
        (LOOKED, True),
        (Conversation().user("Read .carryover/handoff.md").ran("git status").says("Do you want to continue?"), True),
        (Conversation().user("continue").event(TurnEnd(reason="limit")), True),
        (Conversation().user("Tax next."), False),
        (Conversation().user("Why?").says("It rounds."), False),
        (Conversation().user("yes").edited("cart.py").says("Done."), False),
        (worked("s1").user("yes").ran("cat cart.py").says("It rounds."), False),
        (worked("s1").user("continue").event(TurnEnd(reason="limit")), False),
        (Conversation().edited("cart.py"), False),
    ],
)
def test_a_turn_leads_nothing_if_no_more_than_short_replies_were_said_and_nothing_was_done(
    talk: Conversation, idle: bool
) -> None:
    assert is_idle(Step(talk.turn, talk.view())) is idle


@pytest.mark.parametrize(
    ("newest", "leads"),
    [
        (talked("s2", "Then tax.", "Noted. Two ways: per line or per cart. Which one?", hours=1), True),
        (talked("s2", "Why floats?", hours=1), True),
        (session("s2", hours=1).user("Now the tax."), True),
        (session("s2", hours=1).user("yes").edited("tax.py").says("Done."), True),
        (session("s2", hours=1).user("continue").says("Do you want to continue?").user("yes"), False),
        (session("s2", hours=1).user("hi").says("Hello! Shall I go on with the discount?"), False),
        (session("s2", hours=1).user(go_on_prompt("x-12345678/handoff.md")).ran("git status"), False),
    ],
)
def test_the_newest_prompt_that_says_something_leads_whoever_it_was_said_to(newest: Conversation, leads: bool) -> None:
    found = past(worked("s1"), newest)

    assert found.lead.session == ("s2" if leads else "s1")
    assert found.at_ms == (newest.at_ms if leads else worked("s1").at_ms)


def test_the_last_words_of_what_worked_stay_beside_those_of_what_leads() -> None:
    planned = talked("s2", "Then tax.", "Two ways: per line or per cart.", hours=1)
    stands = under("Where it stands", worked("s1"), planned)

    assert "claude-code's last words (turn 1 of s1, 61 min earlier): The discount is in cents." in stands
    assert "codex's last words (turn 1): Two ways: per line or per cart." in stands
    asked = session("s3", hours=2).user("Per cart, and round it last.")
    assert "Two ways" in under("Where it stands", worked("s1"), planned, asked)
    task = under("Task", worked("s1"), planned, asked)
    assert "Newest prompt (turn 1, no answer recorded): Per cart, and round it last." in task


def test_a_prompt_to_go_on_names_the_prompt_that_it_goes_on_with() -> None:
    went_on = session("s2", hours=1, agent="codex").user(go_on_prompt(".carryover/handoff.md"))
    made = handoff(worked("s1"), went_on.edited("tax.py").says("The tax is in cents, too."))

    assert made.agent == "codex"
    assert f"Newest prompt (claude-code, turn 1 of s1, 62 min earlier): {GOAL}" in render(made)


def test_a_session_that_only_says_to_continue_does_not_make_an_older_prompt_the_newest() -> None:
    went_on = session("s2", hours=1).user("continue").edited("tax.py").says("The tax is in cents, too.")

    older, newer = section(worked("s1"), went_on, title="Task")
    assert older.startswith(f"Newest task (claude-code, turn 1 of s1, 62 min earlier): {GOAL}")
    assert newer == "Prompt (turn 1, 2 min earlier): continue"


def test_long_work_that_was_ordered_before_does_not_hide_a_newer_order() -> None:
    long = session("s1").user("Port the page to French.")
    for number in range(90):
        long.edited(f"page{number}.py")
    asked = session("s2", hours=1, agent="codex").user("Tax per cart.").says("Noted.")

    assert past(long, asked).lead.session == "s2"
    assert "Port the page to French." in under("Also in progress", long, asked)


def test_words_added_to_a_running_turn_count_as_newer_than_an_earlier_prompt_elsewhere() -> None:
    long = session("s1").user("Port the page to French.").edited("page.py")
    asked = session("s2", hours=1, agent="codex").user("Tax per cart.").edited("tax.py").says("Done.")
    assert past(long, asked).lead.session == "s2"
    long.at_ms += 2 * HOUR_MS
    long.event(model.UserPrompt(text="And to Dutch.", in_turn=True)).edited("page.py")

    assert past(long, asked).lead.session == "s1"


def test_only_unfinished_sessions_whose_turns_overlap_with_the_newest_work_are_in_progress() -> None:
    between = worked("between", "Add a logo.", hours=4)
    broken = session("broken", hours=5).user("Add a footer.").edited("footer.py")
    lead = session("lead", hours=0).user(GOAL).edited("cart.py").says("Done.")
    lead.at_ms += 24 * HOUR_MS
    lead.user("Now the tax.").edited("tax.py").says("Done.")
    beside = session("beside", hours=24).user("Add a page.").edited("page.py").edited("page.py").edited("page.py")
    finished = session("finished", hours=24).user("Add a link.").edited("a.py").edited("b.py").says("Added.")
    found = past(between, broken, lead, beside, finished)

    assert [each.session for each in parallel_sessions(found.view, found.newest)] == ["beside"]
    log = under("Progress log", between, broken, lead, beside, finished)
    assert all(said in log for said in ("The discount is in cents.", "Added."))


def test_a_turn_is_named_with_as_much_of_its_sessions_id_as_tells_it_apart() -> None:
    ids = ("c0de0000-aaaa-1", "c0de0000-aaaa-2", "beef0000-1")
    found = past(*(worked(name, hours=at) for at, name in enumerate(ids)))
    alone = past(worked(ids[0]), worked(ids[2], hours=2))

    assert [found.place(step) for step in found.steps] == [
        "turn 1 of c0de0000-aaaa-1, 2 h earlier",
        "turn 1 of c0de0000-aaaa-2, 62 min earlier",
        "turn 1, 2 min earlier",
    ]
    assert alone.place(alone.steps[0]) == "turn 1 of c0de0000, 2 h earlier"


ASKED = model.Question(call_id="q", text="Which currency?", options=("EUR", "USD"))


@pytest.mark.parametrize(
    ("talk", "settled"),
    [
        (worked("s1"), True),
        (worked("s1").user("Thanks!").says("You're welcome."), True),
        (worked("s1").user("Now the tax."), False),
        (Conversation().user("Add it.").edited("cart.py").says("Done. Shall I test it?"), False),
        (worked("s1").event(PlanUpdate(items=(PlanItem(text="Add a tax"),))), False),
        (worked("s1").user("Now the tax.").event(TurnEnd(reason="interrupted")), False),
        (worked("s1").user("Now the tax.").event(ASKED), False),
        (worked("s1").event(model.QueuedPrompt(text="And cap it.")), False),
        (worked("s1").event(model.PlanProposal(call_id="p", text="1. Round last")), False),
        (worked("s1").user("Test it.").ran("pytest -q", "1 failed in 0.1s", status="error").says("It fails."), False),
    ],
)
def test_nothing_is_settled_while_something_is_open_in_any_session(talk: Conversation, settled: bool) -> None:
    since = worked("s2", "Add a logo.", hours=5)

    assert handoff(talk).settled is settled
    assert handoff(talk, since).settled is settled


def test_what_was_typed_meanwhile_waits_until_the_turn_after_next() -> None:
    talk = session("s1").user(GOAL).event(model.QueuedPrompt(text="And the receipt."))
    waiting = []
    for _ in range(3):
        waiting.append([prompt.text for prompt in waiting_prompts(talk.digest)])
        talk.says("Done.").user("Now the tax.")

    assert waiting == [["And the receipt."], ["And the receipt."], []]


def test_what_a_limit_stopped_is_open_until_another_session_goes_on() -> None:
    stopped = worked("s1").user("Now the tax.").event(TurnEnd(reason="limit", resets="3pm"))
    greeted = session("s2", hours=1).user("hi").says("Hello! Do you want to continue?")

    assert not handoff(stopped, greeted).settled
    assert "it resets 3pm" in under("Next action", stopped, greeted)
    assert handoff(stopped, greeted, worked("s3", "Now the tax, here.", hours=2)).settled


FRAME = "## What was typed\n\n```text\n"
STEPS = "\n```\n\nYou MUST consider it.\n\n## Outline\n\n" + "- Fill each placeholder of the form in order.\n" * 40


@pytest.mark.parametrize(
    ("prompts", "task"),
    [
        (("hi", "Add a discount."), "Add a discount."),
        (("ok", "yes"), "ok"),
        (("Look:\n\n```\nlog\n```\n\nWhy?",), "Look: Why?"),
        (("",), None),
        (("yes to both", "Number the vouchers by year."), "Number the vouchers by year."),
        (("No, later.",), "No, later."),
        ((f"{FRAME}Number the vouchers.{STEPS}",), "Number the vouchers."),
        ((f"{FRAME}{STEPS}", "Number the vouchers."), "Number the vouchers."),
    ],
)
def test_what_a_session_is_about_is_its_first_prompt_that_says_something(
    prompts: tuple[str, ...], task: str | None
) -> None:
    talk = Conversation()
    for prompt in prompts:
        talk.user(prompt).says("Yes.")

    assert task_of(talk.digest) == task


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, ""),
        (-120, "2 min later"),
        (20, ""),
        (89 * 60, "89 min earlier"),
        (2 * 3600, "2 h earlier"),
        (5 * 86_400, "5 days earlier"),
        (1000 * 86_400, "1000 days earlier"),
    ],
)
def test_a_time_is_given_as_how_long_before_or_after_it_was(seconds: int, said: str) -> None:
    assert earlier(1_000_000_000 - seconds * 1000, 1_000_000_000) == said


@pytest.mark.parametrize(
    ("talk", "did"),
    [
        (Conversation().user("hi").says("Hello! What shall I do?"), False),
        (Conversation().user("Read .carryover/handoff.md").says("Do you want to continue?"), False),
        (Conversation().user("Why floats?"), False),
        (Conversation().user("Why floats?").says("It rounds."), True),
        (worked(), True),
    ],
)
def test_a_session_did_something_if_it_worked_or_answered_what_says_something(talk: Conversation, did: bool) -> None:
    assert did_something(talk.digest) is did


def test_the_session_that_the_work_was_forked_from_is_not_beside_it() -> None:
    asked = session("asked").user("Add a page.").edited("page.py")
    lead = session("lead").user(GOAL).edited("cart.py").edited("tax.py").says("Done.")
    view = project(asked, lead)
    forked = replace(lead.view(), parent="asked")
    newest = Step(lead.turn, forked)

    assert [one.session for one in parallel_sessions(view, Step(lead.turn, lead.view()))] == ["asked"]
    assert parallel_sessions(replace(view, sessions=(forked, asked.view())), newest) == []


PLAN = model.PlanProposal(call_id="p", text="1. The page. 2. Its link.")


def test_a_session_whose_plan_the_newest_one_carries_out_is_not_also_in_progress() -> None:
    planned = session("planned").user("Add a page.").edited("page.py")
    planned.event(PLAN)
    lead = session("lead").user("Implement the following plan:\n\n1. The page. 2. Its link.").edited("link.py")
    other = session("other").user("Add a logo. 1. The logo.").edited("logo.py")
    view = project(planned, lead, other)

    assert [one.session for one in parallel_sessions(view, Step(lead.turn, lead.view()))] == ["other"]


def test_a_turn_whose_plan_another_session_carries_out_was_not_interrupted() -> None:
    planned = session("planned").user("Add a page.").edited("page.py").event(PLAN)
    planned.event(model.PlanProposal(call_id="p", text="", accepted=False)).event(TurnEnd(reason="interrupted"))
    told = model.UserPrompt(text="Implement the following plan:\n\n1. The page. 2. Its link.", accepts_plan=True)
    lead = session("lead", hours=1).event(told).says("Done.")
    other = session("lead", hours=1).user("Add a logo.").says("Done.")

    assert "interrupted" not in under("Where it stands", planned, lead)
    assert "interrupted" in under("Where it stands", planned, other)


def test_of_a_form_only_what_was_typed_into_it_is_the_task_and_the_form_is_named() -> None:
    talk = session("s1").user(f"{FRAME}Number the vouchers by year.{STEPS}").edited("cart.py").says("They are.")
    task = under("Task", talk)

    assert "Prompt (turn 1, 2 min earlier): Number the vouchers by year.\n" in task
    assert "template “- Fill each placeholder of the form in order.”, 1,9" in task
    assert render(handoff(talk)).count("placeholder") == 1
    for typed in ("## Steps\n\n```sh\nmake\n```\n\nIt fails. Why?", f"{STEPS}\n## Why\nIt fails."):
        assert "template" not in under("Task", session("s1").user(typed).edited("cart.py").says("Fixed."))


FILE = "---\ndescription: Number whatever is named.\n---\n\nUser input:\n\n$ARGUMENTS\n\n" + "- Fill each place.\n" * 80


def test_of_a_commands_file_whose_place_is_empty_only_a_line_below_it_was_typed() -> None:
    asked = session("s1").user(FILE).says("What shall I number?").user("Number the vouchers.").edited("cart.py")
    task = under("Task", asked)

    assert "Newest prompt (turn 2" in task
    assert "Fill each place" not in task
    command = f"# /number-it - Numbers what is named\n\n{FILE.replace('$ARGUMENTS', 'Reject all else.')}"
    assert "Reject" not in under("Task", session("s1").user(command).edited("cart.py").says("Done."))
    asks = f"Mend this command for me:\n\n{FILE}"
    assert "Mend this command" in under("Task", session("s1").user(asks).edited("cart.py").says("Done."))
    typed = under("Task", session("s1").user(f"{FILE}number the vouchers").edited("cart.py"))
    assert "number the vouchers\n" in typed
    assert "template “Number whatever is named.”, 1,5" in typed


def test_of_a_commands_file_with_the_command_below_it_the_command_was_typed() -> None:
    file = FILE.replace("$ARGUMENTS", "see below")
    task = under("Task", session("s1").user(f"{file}\n\n/number-it the vouchers\n\nby year").edited("cart.py"))

    assert "(turn 1, 1 min earlier): /number-it the vouchers ¶ by year\n" in task
    assert "template “Number whatever is named.”, 1,5" in task
    pasted = under("Task", session("s1").user(f"{file}\n\n/srv/shop/cart.py has it too").edited("cart.py"))
    assert "template" not in pasted


def test_a_text_whose_record_may_come_again_with_calls_settles_nothing() -> None:
    growing = worked("s1").event(model.AssistantMessage(text="I read the cart now.", grows=True))

    unknown = "claude-code's turn 1: not recorded whether it ended with its last words"
    assert not handoff(growing).settled
    assert unknown in under("Where it stands", growing)
    assert "last words (turn 1): I read the cart now." in under("Where it stands", growing)
    assert unknown not in under("Where it stands", growing.says("It is done."))
    growing = worked("s1").event(model.AssistantMessage(text="I read the cart now.", grows=True))
    assert handoff(growing, worked("s2", "Add a logo.", hours=5)).settled


@pytest.mark.parametrize(("final", "answered"), [(None, False), (True, True)])
def test_an_unmarked_text_that_announces_something_is_no_answer(final: bool | None, answered: bool) -> None:
    talk = session("s1").user(GOAL).says("Let me look at the cart:", final=final)

    assert (talk.turn.end == "answered") is answered


class Untimed(Conversation):
    """A session in a document without times."""

    def event(self, body: model.AnyBody) -> Self:
        self.at_ms -= MINUTE_MS
        return super().event(body)


def test_turns_without_times_are_in_their_order() -> None:
    talk = Untimed().user("Sum the cart in cents.").edited("cart.py").says("It sums.")
    for goal in ("Round each price", "Show the tax", "Name the currency", "Print a receipt"):
        talk.user(f"{goal} in cart.py.").edited("cart.py").edited(f"{goal.split()[-1]}.py").says(f"{goal}: done.")
    talk.user("continue").says("Nothing is left.")
    words = (*section(talk, title="Task"), *section(talk, title="What the user said"))
    numbers = [int(number) for number in re.findall(r"\(turn (\d+)\)", "\n".join(words))]

    assert len(numbers) == 6
    of_task = len(re.findall(r"\(turn \d+\)", under("Task", talk)))
    assert numbers[:of_task] == sorted(numbers[:of_task])
    assert numbers[of_task:] == sorted(numbers[of_task:])
    assert "Since then claude-code said (turn 6): Nothing is left." in under("Where it stands", talk)
    assert section(talk, title="Recent files")[0].startswith("`cart.py`: edited 5 times | `receipt.py`")


@pytest.mark.parametrize("first", ["/init", "/docs:inspect", "B", "review"])
def test_the_goal_is_the_first_prompt_that_is_more_than_a_commands_name_or_a_word(first: str) -> None:
    talk = worked("s1", first).user(GOAL).edited("cart.py").says("It is in cents.")
    talk.user("Now write a line for the receipt.").edited("receipt.py").says("Written.")

    assert task_of(talk.digest) == GOAL
    assert f"): {first}" not in under("Task", talk)
    assert f"): {first}" in under("What the user said", talk)


@pytest.mark.parametrize("first", ["https://shop.example/issues/12", "receipt.py", "改成整数"])
def test_an_address_a_file_or_text_without_blanks_may_be_the_goal(first: str) -> None:
    assert task_of(worked("s1", first).user(GOAL).edited("cart.py").says("Done.").digest) == first
    assert task_of(worked("s1", "/init").digest) == "/init"


def test_the_work_that_waits_stands_beside_small_talk() -> None:
    work = worked("s1", "Number the vouchers by year.", says="They are numbered. Should the receipts be as well?")
    talk = session("s2", hours=1).user("What is the capital of Australia?").says("It is Canberra.")

    assert "Number the vouchers by year." in under("Task", work, talk)
    assert "They are numbered. Should the receipts be as well?" in under("Open questions", work, talk)


def test_last_words_of_old_work_are_left_out_after_many_answers() -> None:
    talk = worked(says="The vouchers are moved.")
    for month in range(9):
        assert past(talk).work is not None or month == 0
        talk.user(f"Put month {month} into the board.").calls("", op="other", name="board_put").says("It is in.")

    assert past(talk).work is None
    assert "newest work" not in under("Where it stands", talk)


def test_answers_without_a_call_hide_no_work_that_was_cut_off() -> None:
    talk = session("s1").user(GOAL).edited("cart.py").event(TurnEnd("interrupted"))
    for number in range(9):
        talk.user(f"What is the VAT on fruit in country {number}?").says("It is 7 %.")

    assert "interrupted by the user" in under("Where it stands", talk)
