"""What stands under Task."""

from __future__ import annotations

import re

import pytest

from carryover.distill.goals import task_of
from carryover.distill.render import render
from carryover.model import PlanProposal, TurnEnd, UserPrompt
from carryover.text.pasted import as_pasted
from support.conversation import Conversation, handoff, session, under


def test_a_line_of_a_long_order_outlasts_calls_that_name_more() -> None:
    rulings = [f"Say in each case {number} why it is so, and do not cut it." for number in range(40)]
    talk = session("s1").user("\n\n".join(rulings))
    for number in range(30):
        talk.ran(f"./build.sh out{number}/cart{number}.py", " ".join(f"lib{number}/tax{at}.py" for at in range(30)))
    text = under("Task", talk.says("Done."))

    assert all(ruling in text for ruling in rulings)


def test_how_long_an_order_is_does_not_count_if_the_user_stopped_it() -> None:
    long = "Group what is changed in cart.py into commits, each with one subject, and leave out what is secret. " * 12
    talk = session("s1").user("Set up the shop.").edited("cart.py").says("Set up cart.py.")
    talk.user(long).ran("git status").event(TurnEnd(reason="interrupted"))
    for ask in ("Now undo the change of cart.py.", "Add the docs of cart.py to docs.py."):
        talk.user(ask).edited("docs.py").says("Changed cart.py and docs.py.")
    text = under("Task", talk.user("It is not found."))

    assert "Add the docs of cart.py" in text
    assert "Group what is changed" not in text


@pytest.mark.parametrize("reply", ["Continue.", "Yes."])
def test_how_long_an_order_is_counts_if_the_user_stopped_it_and_let_it_go_on(reply: str) -> None:
    before = "Describe in docs.md what the shop sells, for whom, and why it is better than all of the others. " * 2
    order = "Make receipts in till.py ask for the sum before it opens, and keep each of them for ten years. " * 6
    talk = session("s1").user("Set up the shop.").edited("a.py").says("Done.").user(before).says("It is described.")
    talk.user(order).ran("ls").event(TurnEnd(reason="interrupted"))
    talk.user(reply).edited("x.py").says("Made.").user("And now?").ran("git status").says("It is clean.")

    assert "Make receipts in till.py" in under("Task", talk)


def test_the_end_of_the_newest_paste_outlasts_what_came_before_it() -> None:
    log = [f"2026-11-20 10:{at:02} INFO one more step of the many is done, as it was before" for at in range(40)]
    talk = session("s1").user("Build the page.").edited("page.py").says("Built.")
    shown = fixed_task(talk.user("\n".join(("It stops:", *log, "ERROR the disk is full"))))
    after = fixed_task(talk.says("I look.").user("Then do it on another disk, and leave the old one as it is now."))

    assert "It stops:" in shown
    assert log[0] in shown
    assert log[20] not in shown
    assert "ERROR the disk is full" in shown
    assert "ERROR the disk is full" not in after


def test_no_line_of_the_newest_paste_is_lost_or_told_twice() -> None:
    log = "\n".join(f"step {number} {'of the okapi house is done ' * 4}" for number in range(16))

    task = under("Task", session("s1").user(f"Why does it stop?\n\n{as_pasted(log)}"))
    assert re.findall(r"step (\d+) ", task) == [str(number) for number in range(16)]


def test_a_list_stays_whole_while_a_newest_prompt_of_few_words_goes_on_with_it() -> None:
    items = [f"- Make part {number} of the page smaller, as it was in the spring" for number in range(12)]
    talk = session("s1").user("Build the page.").edited("page.py").says("Built.")
    talk.user("\n".join(("Change these one by one:", *items))).edited("page.py").says("The first is smaller.")
    talk.user("go on").edited("page.py").says("The second is smaller.")
    remaining = fixed_task(talk.user("Do all the remaining ones on your own.").edited("page.py"))
    other = fixed_task(talk.user(f"Now write down {'how the page is built and by whom ' * 4}.").edited("page.py"))

    assert all(item.removeprefix("- ") in remaining for item in items)
    assert items[5].removeprefix("- ") not in other


def test_a_list_is_whole_while_it_is_the_newest_task() -> None:
    items = [f"- Make part {number} of the page {'a bit smaller than it is ' * 3}" for number in range(16)]
    talk = session("s1").user("Build the page.").edited("page.py").says("Built.")
    talk.user("\n\n".join(("Change these one by one.", *items))).edited("page.py").says("The first is smaller.")
    going_on = fixed_task(talk.user("go on").edited("page.py").says("The second is smaller."))

    assert all(item.removeprefix("- ").strip() in going_on for item in items)


def test_five_lines_of_the_newest_prompt_are_fixed_as_of_the_first() -> None:
    found = [
        f"{number}: if a guest opens the cart and {'changes the number of books and then ' * 5}leaves."
        for number in range(1, 5)
    ]
    order = "\n".join(("I tried it again, and the badge stays. This is what I found:", *found))
    talk = session("s1").user("Fix the badge of the cart.").edited("cart.py").says("Fixed.")

    assert all(line in fixed_task(talk.user(order).edited("cart.py")) for line in order.splitlines())


@pytest.mark.parametrize(
    ("is_done", "hours", "goes_on", "title"),
    [
        (True, 20, "", "What the user said"),
        (True, 20, "Continue. ", "Task"),
        (False, 20, "", "Task"),
        (False, 30, "", "What the user said"),
    ],
)
def test_what_was_asked_before_is_the_task_for_a_day_if_it_was_cut_off_or_is_gone_on_with(
    is_done: bool, hours: int, goes_on: str, title: str
) -> None:
    before = session("s1").user("Add a voucher column to the receipt table, and fill it from the ledger.")
    for _ in range(3):
        before.edited("voucher.py").says("The voucher column is in the receipt table.").user("Go on with the rows.")
    before.edited("voucher.py").says("The voucher rows are filled.", final=is_done)
    order = "Translate the manual into Danish, keep the tables of each chapter, and list what has no word yet."
    later = session("s2", hours=hours).user(f"{goes_on}{order}")
    later.edited("manual.md").says("Two chapters are translated.")

    assert "Add a voucher column" in under(title, before, later)
    assert "Translate the manual" in under("Task", before, later)


def test_a_session_of_few_words_goes_on_with_what_the_one_before_was_asked() -> None:
    before = session("s1").user("Put the vouchers into receipt.py.").edited("receipt.py").says("receipt.py has them.")
    before.user("And book them in ledger.py, with the day.").edited("ledger.py").says("ledger.py books them.")
    later = session("s2", hours=2).user("now the tests").edited("test_ledger.py").says("ledger.py is tested.")

    assert "2 h earlier, answered): And book them in ledger.py" in under("Task", before, later)


def test_what_was_answered_between_the_first_prompt_and_the_newest_is_said_to_be() -> None:
    talk = session("s1").user("Put the vouchers into receipt.py, one for each till, and sum them up there by day.")
    talk.edited("receipt.py").says("receipt.py has the vouchers.")
    talk.user("Why does ledger.py book a voucher twice when its till is closed before the day ends?")
    talk.edited("ledger.py").says("ledger.py books a voucher of that till once.")
    talk.user("Translate the manual into Danish, keep the tables of each chapter, and list what has no word yet.")
    talk.edited("manual.md").says("Two chapters of manual.md are translated.")

    task = under("Task", talk)

    assert "\nPrompt (turn 2, 5 min earlier, answered): Why does ledger.py" in task
    assert "answered" not in task.splitlines()[0] + task.splitlines()[-1]


def test_a_prompt_that_was_cut_off_is_not_said_to_be_answered_since_a_later_one_is() -> None:
    before = session("s1").user("And book them in ledger.py, with the day.").edited("ledger.py")
    before.event(TurnEnd(reason="interrupted")).user("What is the time?").says("Noon.")
    later = session("s2", hours=2).user("now the tests").edited("test_ledger.py").says("ledger.py is tested.")

    assert "2 h earlier, then interrupted): And book them in ledger.py" in under("Task", before, later)


def asked_before() -> Conversation:
    before = session("s1").user("Put the vouchers into receipt.py.").edited("receipt.py").says("receipt.py has them.")
    return before.user("And book them in ledger.py, with the day.").edited("ledger.py").says("ledger.py books them.")


def test_a_session_that_began_with_a_plan_or_a_paste_has_a_task_of_its_own() -> None:
    plan = "\n".join(f"{number}. Round the prices of part {number} last, and test it." for number in range(30))
    later = session("s2", hours=2).user(f"Implement the following plan:\n\n# Plan\n{plan}")
    later.edited("ledger.py").says("ledger.py and receipt.py round last.")

    assert "book them in ledger.py" not in under("Task", asked_before(), later)


def test_a_session_that_began_with_a_stored_prompt_takes_up_what_the_one_before_was_asked() -> None:
    order = "Read the rules of this shop in rules/all.md, go through what is open, and tell me what comes next."
    later = session("s2", hours=2).event(UserPrompt(text=order, stored=True)).ran("ledger.py", "rows", op="read")
    later.edited("ledger.py").says("ledger.py and receipt.py keep the rules.")

    assert "2 h earlier, answered): And book them in ledger.py" in under("Task", asked_before(), later)


def test_a_session_whose_first_prompt_was_sent_again_or_follows_a_call_has_a_task_of_its_own() -> None:
    order = "Translate the manual into Danish, keep the tables of each chapter, and list what has no word yet."
    begun = (session("s2", hours=2).user(order), session("s2", hours=2).ran("git fetch", "main is new."))
    for later in begun:
        later.user(order).edited("ledger.py").says("ledger.py and receipt.py are in the manual.")

        assert "book them in ledger.py" not in under("Task", asked_before(), later)


def test_a_session_that_ended_with_its_accepted_plan_was_not_cut_off() -> None:
    plan = f"# Book vouchers in ledger.py\n{'Book the voucher with its day, and round the sum last. ' * 9}"
    before = asked_before().user("And book the refunds in ledger.py and receipt.py, with the day.")
    before.event(PlanProposal(call_id="p1", text=plan, accepted=False))
    order = "Translate the manual into Danish, keep the tables of each chapter, and list what has no word yet."
    later = session("s3", hours=2).user(order).edited("ledger.py").says("ledger.py and receipt.py are in the manual.")
    assert "book them in ledger.py" in under("Task", before, later)

    carried_out = session("s2", hours=1).user(plan).edited("ledger.py").says("ledger.py books the refunds.")
    assert "book them in ledger.py" not in under("Task", before, carried_out, later)


@pytest.mark.parametrize(("last", "is_task"), [("continue", True), ("Book the refunds in tax.py, too. " * 4, False)])
def test_of_a_session_that_was_cut_off_what_it_had_answered_before_is_no_task(last: str, is_task: bool) -> None:
    before = asked_before().user(last).edited("refunds.py").says("I look at the refunds.", final=False)
    order = "Translate the manual into Danish, keep the tables of each chapter, and list what has no word yet."
    later = session("s2", hours=2).user(order).edited("ledger.py").says("ledger.py and receipt.py are in the manual.")

    assert ("(claude-code, turn 2 of s1, 2 h earlier): And book them" in under("Task", before, later)) is is_task


def test_a_request_that_was_left_for_other_sessions_is_not_a_task() -> None:
    since = [session(f"p{at}", hours=at).user("Draw it.").edited("logo.svg").says("Drawn.") for at in range(1, 4)]
    later = session("s2", hours=13).user("now the tests").edited("test_ledger.py").says("ledger.py is tested.")

    assert "book them in ledger.py" in under("Task", asked_before(), later)
    assert "book them in ledger.py" not in under("Task", asked_before(), *since, later)


def test_what_was_asked_weeks_ago_takes_no_place_of_what_was_asked_today() -> None:
    old = [
        session(part, hours=number)
        .user(
            f"Add {part} to the shop: receipt.py prints them, ledger.py books them, and {part}.py holds the rows, each "
            "with a code, an amount, a date and the customer who got it; they are void after a year, can be split over "
            f"two receipts, and what is left stays for {part} of later months, which nobody else may take."
        )
        .edited(f"{part}.py")
        .says(f"The {part} are in receipt.py and ledger.py.")
        for number, part in enumerate(("vouchers", "refunds", "coupons"))
    ]
    today = session("today", hours=700).user("In receipt.py the amount is printed twice from now on, never once.")
    today.edited("receipt.py").says("receipt.py prints the amount twice.").user("And test it, please.")
    today.edited("test_receipt.py").says("The amount in receipt.py is tested.")
    lead = session("lead", hours=706).user("Draw a logo with an okapi.")
    lead.edited("logo.svg").says("The okapi is drawn, and the receipt.py page has it too.")

    assert "the amount is printed twice" in under("Task", *old, today, lead)


def test_a_plan_that_the_user_accepted_is_not_told_as_pasted() -> None:
    plan = "\n".join(f"{number}. Round the prices of part {number} last, and test it." for number in range(30))
    text = f"Implement the following plan:\n\n# Rounding\n\n{plan}"
    talk = Conversation().event(UserPrompt(text=text, accepts_plan=True)).edited("cart.py").says("Done.")

    assert f"the agent's plan, accepted, {len(plan) + 12:,} characters: Rounding ¶ 0. Round" in under("Task", talk)
    assert (task_of(talk.digest) or "").startswith("# Rounding 0. Round")
    for number in range(4):
        talk.user(f"Add a column {number} to the list of vouchers, as wide as the others.").edited("list.py").says(
            "Ok."
        )
    shown = render(handoff(talk))
    assert "the agent's plan, accepted, " in shown
    assert "pasted" not in shown


def fixed_task(*talks: Conversation) -> str:
    """Returns the lines of the task that are taken first, however much the others are worth."""
    entries = (entry for one in handoff(*talks).sections if one.title == "Task" for entry in one.entries)
    return " ".join(entry.text for entry in entries if entry.rank is not None)


def test_what_else_the_user_said_and_the_end_of_what_was_taken_up_are_fixed() -> None:
    order = "Write cart.py with a table of all its rows, sorted by the day on which they came in, as the shop wants. "
    talk = session("s1").user("Build the shop.").edited("shop.py").says("The shop is built.")
    talk.user(f"{order * 3}Ask before you take one out.").edited("cart.py").says("cart.py is written.")
    talk.user("Sort cart.py by name.").edited("cart.py").says("cart.py is sorted.")
    talk.user("How long are the names?").ran("ls").says("Up to thirty letters.")
    entries = [entry for one in handoff(talk).sections for entry in one.entries]
    [end] = [entry.rank for entry in entries if "Ask before" in entry.text]
    [other] = [entry.rank for entry in entries if "Sort cart.py" in entry.text]

    assert None not in (end, other)


@pytest.mark.parametrize("later", [0, 1])
def test_the_end_of_what_the_leading_session_took_up_is_fixed(later: int) -> None:
    """Of an earlier session's request, the beginning alone is."""
    order = "Write cart.py with a table of all its rows, sorted by the day on which they came in, as the shop wants. "
    talk = session("s1").user("Build the shop.").edited("shop.py").says("The shop is built.")
    talk.user(f"{order * 3}Ask before you take one out.").edited("cart.py").says("cart.py is written.")
    talk.user("Sort cart.py by name.").edited("cart.py").says("cart.py is sorted.")
    asks = session("s2", hours=1) if later else talk
    asks.user("How long are the names?").ran("ls").says("Up to thirty letters.")
    talks = (talk, asks) if later else (talk,)

    assert "Write cart.py" in fixed_task(*talks)
    assert ("Ask before you take one out." in fixed_task(*talks)) == (not later)


def test_the_stored_prompt_that_a_session_began_with_comes_before_replies_to_its_questions() -> None:
    order = "Load the whole workflow of the almanac from flows/almanac.md, and follow what it says to the letter."
    talk = session("s1").event(UserPrompt(text=order, stored=True)).says("Which months shall I leave out?")
    talk.user("none of them").edited("almanac.md").says("Is January fine as it is?")
    for month in ("February", "March", "April"):
        talk.user("yes, that is fine").edited("almanac.md").says(f"Is {month} fine as it is?")
    first, *rest = under("Task", talk.user("ok")).splitlines()

    assert first.startswith("First prompt (turn 1") and f": stored prompt “{order}”" in first
    assert "asked “Which months shall I leave out?”: none of them" in rest[0]
    assert "stored prompt" not in under("What the user said", talk)


def test_a_scheduled_prompt_does_not_take_the_place_of_what_the_user_asked_last() -> None:
    talk = Conversation().user("Cap it.").edited("cart.py").says("Capped.").user("Print what each till took.")
    talk.edited("till.py").says("Printed.")
    for _ in range(3):
        talk.event(UserPrompt(text="Read HEARTBEAT.md and follow it.", actor="model", scheduled=True))
        talk.ran("HEARTBEAT.md", "Nothing.", op="read").says("HEARTBEAT_OK", final=True)

    assert "Newest task (turn 2, 14 min earlier): Print what each till took." in under("Task", talk)


def test_a_scheduled_prompt_is_no_task_in_a_session_that_began_with_one_and_then_failed() -> None:
    beat = UserPrompt(text="Read HEARTBEAT.md and follow it, whatever it says.", actor="model", scheduled=True)
    talk = Conversation().event(beat).ran("HEARTBEAT.md", "Nothing.", op="read").says("HEARTBEAT_OK", final=True)
    talk.user("Print what each till took.").edited("till.py").says("Printed.")
    for _ in range(2):
        talk.event(beat).event(TurnEnd(reason="error")).user("Print it by week.").event(TurnEnd(reason="error"))
    task = under("Task", talk)

    assert "Newest prompt (turn 6" in task
    assert "scheduled prompt" not in task


def test_what_ran_on_a_schedule_is_not_what_a_session_of_short_prompts_goes_on_with() -> None:
    asked = session("s1").user("Print what each till took.").edited("till.py").says("Printed.")
    nightly = session("s2", hours=1)
    nightly.event(UserPrompt(text="Write down the takings.", actor="model", scheduled=True)).edited("book.md")
    nightly.says("Written.")
    task = under("Task", asked, nightly, session("s3", hours=2).user("And by week?").says("By week, too."))

    assert "Print what each till took." in task
    assert "scheduled prompt" not in task


def test_a_session_that_began_with_a_paste_does_not_go_on_with_the_goal_of_another() -> None:
    before = session("s1").user("Print what each till took.").edited("till.py").says("Printed.")
    error = "Traceback (most recent call last):\n  File 'cart.py', line 3\n    return a / b\nZeroDivisionError"

    for began, shows in ((f"Why?\n\n{error}", False), ("And by week?", True), (f"Continue:\n\n{error}", True)):
        later = session("s2", hours=30).user(began).says("The cart is empty.")
        assert ("Print what each till took." in under("Task", before, later)) == shows


def test_of_a_sessions_earlier_prompts_one_is_the_task_and_the_others_are_what_the_user_said() -> None:
    parts = ("cart", "receipt", "stock", "mail")
    talk = session("s1").user("Build the shop.").edited("shop.py").says("The shop is built.")
    for part in parts:
        talk.user(f"Write {part}.py with a table of all its rows, sorted by the day on which they came in.")
        talk.edited(f"{part}.py").says(f"{part}.py is written.")
    talk.user("How long are the names?").says("Up to thirty letters.")

    assert [part for part in parts if f"Write {part}.py" in under("Task", talk)] == ["mail"]
    assert [part for part in parts if f"Write {part}.py" in under("What the user said", talk)] == [*parts[:3]]
