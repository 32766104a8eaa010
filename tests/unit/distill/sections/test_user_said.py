"""What stays of the user's earlier words when there are too many."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from carryover.distill.digest import Digest
from carryover.distill.entry import Rank, fixed_rank
from carryover.distill.fold import fold
from carryover.distill.render import render
from carryover.model import Answer, Event, ToolResult, TurnEnd, UserPrompt
from support.conversation import GOAL, MINUTE_MS, Conversation, handoff, project, session, under


def with_answers() -> Conversation:
    """A session in which the user has answered more than fits."""
    talk = Conversation().user(GOAL)
    for part in range(8):
        asked = f"How should part {part} of the shop store what it knows of prices, in which file, and until when?"
        answer = f"As {part}.npy, " + "in the folder of the shop that has it, beside the others. " * 4
        talk.event(Answer(call_id=f"q{part}", question=asked, text=answer))
    return talk


def test_a_prompt_that_corrects_a_plan_stays_before_the_answers_that_it_may_overturn() -> None:
    talk = with_answers()
    talk.user("Store it as npz instead.").user("Implement the plan.").edited("cart.py").says("It is implemented.")
    talk.user("Now the receipt, with its own rounding.").edited("receipt.py").says("The receipt rounds.")
    [said] = [section.entries for section in handoff(talk).sections if section.title == "What the user said"]
    ranks = {source.text: entry.rank for entry in said for source in entry.sources}

    assert ranks["Store it as npz instead."] is not None
    assert None in ranks.values()


def test_a_prompt_stays_before_the_answers_given_before_it_and_the_newest_longest() -> None:
    talk = with_answers()
    talk.edited("cart.py").says("It is implemented.")
    rulings = ["Leave the till as it is.", "No tax on the vouchers.", "Round in the basket alone."]
    for ruling in rulings:
        talk.user(ruling).says("Noted.")
    talk.user("Now the receipt, with its own rounding.").edited("receipt.py").says("The receipt rounds.")
    [said] = [section.entries for section in handoff(talk).sections if section.title == "What the user said"]
    ranks = {source.text: source.rank for entry in said for source in entry.sources}
    first, second, third = (ranks[ruling] or () for ruling in rulings)

    assert () < third < second < first
    assert None in ranks.values()


@pytest.mark.parametrize("word", ["/config", "ls", "yes"])
def test_a_word_that_chooses_nothing_stays_behind_what_was_said_before_it(word: str) -> None:
    talk = session("s1").user(GOAL).edited("cart.py").says("Done.").user("The till keeps its own prices.").says("Yes.")
    talk.user(word).says("Done.").user("Now the receipt.").edited("receipt.py").says("It is in cents.")

    entries = [one for part in handoff(talk).sections for entry in part.entries for one in entry.sources]
    ranks = {one.text: one.rank for one in entries if one.kind == "prompt" and one.rank is not None}
    assert ranks["The till keeps its own prices."] < ranks[word]


def test_who_interrupts_most_turns_corrects_little_by_it() -> None:
    def about(thing: str, kind: str) -> str:
        return f"No tax on {thing} of {kind}, " + " ".join(f"{kind}{number}y{thing}" for number in range(18))

    talk = Conversation().user(GOAL).edited("cart.py").says("Noted.")
    for kind in "abcdefghijkl":
        talk.user(about("tills", kind)).edited("till.py").event(TurnEnd(reason="interrupted"))
    for kind in "mnopq":  # of which the last was taken up
        talk.user(about("vouchers", kind)).edited("cart.py").says("Noted.")
    talk.user("Now the receipt.").edited("receipt.py").says("The receipt rounds.")
    [said] = [section.entries for section in handoff(talk).sections if section.title == "What the user said"]
    kept = " ".join(source.text for entry in said for source in entry.sources if source.rank is not None)

    assert all(f"vouchers of {kind}" in kept for kind in "mnop")
    assert "tills of j" in kept
    assert "tills of b" not in kept


def test_a_scheduled_prompt_is_not_among_the_prompts_that_work_took_up() -> None:
    nightly = "Run the parser benchmark and report what it took."
    talk = Conversation().user("Tidy the docs.").says("Tidied.")
    talk.event(UserPrompt(text=nightly, actor="model", scheduled=True))
    for _ in range(3):
        talk.ran("make bench", "ok").says("The parser benchmark took 3 s.").user("Go on.")
    talk.ran("make bench").says("The parser benchmark took 2 s.").user("Write a changelog.")

    assert "scheduled prompt" not in under("Task", talk)
    assert "scheduled prompt" in under("What the user said", talk)


def test_of_earlier_prompts_in_one_form_stand_what_was_typed_and_once_the_form_alone() -> None:
    form = "## What was typed\n\n```text\n{}\n```\n\n## Steps\n"
    talk = Conversation().user("Tidy the docs.").edited("docs.md").says("Tidied.")
    for steps, words in enumerate(("Number the vouchers by year.", "", "Sort the receipts by day.", ""), 80):
        talk.user(form.format(words) + "- Fill each place.\n" * steps).edited("cart.py").says(f"Done: {steps}.")
    said = under("What the user said", talk.user("Write a changelog.").edited("changes.md").says("Written."))

    assert "(turn 2, 14 min earlier): Number the vouchers by year. | " in said
    assert "(turn 4, 8 min earlier): Sort the receipts by day. | " in said
    assert said.count("template “- Fill each place.”") == 1


def test_the_names_of_forms_take_no_part_of_the_users_own_share() -> None:
    form = (
        "## What was typed\n\n```text\n\n```\n\n## Steps\n\n{} the {} of the shop.\n" + "   - Fill each place.\n" * 70
    )
    talk = Conversation().user(GOAL).says("Done.").user("Store it as npz.").edited("cart.py").says("It is.")
    for at in range(8):
        talk.user(form.format("Check", "abcdefgh"[at] * 4)).says(f"Part {at} is checked.")
    talk.user("Now the receipt, with its own rounding.").edited("receipt.py").says("The receipt rounds.")
    [said] = [section.entries for section in handoff(talk).sections if section.title == "What the user said"]
    forms = [source.rank for entry in said for source in entry.sources if source.text.startswith("template “Check")]

    assert len(forms) == 8
    assert set(forms) == {None}


@pytest.mark.parametrize("words", ["let's start", "continue", "Guten Morgen"])
def test_a_greeting_that_began_a_session_is_not_among_what_was_said(words: str) -> None:
    lead = session("lead").user(GOAL).edited("cart.py").says("It is in the cart. Next: the receipt.")
    other = session("other", hours=1, agent="codex").user(words).says("The cart has it. Print it in two columns?")

    assert under("What the user said", lead, other) == ""

    other.user("yes").edited("receipt.py").says("Printed.").user("Print the logo, too.").edited("logo.py")
    assert under("What the user said", lead, other).endswith("Print it in two columns?”: yes")


def test_an_earlier_prompt_of_many_sentences_is_quoted_without_a_gap() -> None:
    rules = " ".join(f"Rule {number} of the shop says that the {number}th okapi is never sold." for number in range(18))
    before = session("s1").user(GOAL).says("Done.").user(rules).says("Noted.")
    talk = session("s2", hours=9).user("And now the tax of the receipt.").says("Ok.")
    said = under("What the user said", before, talk)

    assert len(rules) > 1000
    assert "17th okapi" in said and "…" not in said


def test_the_calls_of_a_turn_that_were_refused_without_a_word_share_a_line() -> None:
    talk = Conversation().user(GOAL)
    for number in range(5):
        talk.ran(f"make part{number}", status="denied", never_ran=True)
    talk.ran("make part3", "Made.").user("Then by hand.").ran("make deploy", status="denied", never_ran=True)
    said = under("What the user said", talk.says("I leave it.").user("Now the receipt, with its own rounding."))

    assert "Refused, not run: `make part1`, `make part2`, `make part4` and 1 more (turn 1" in said
    assert "Refused, not run: `make deploy` (turn 2" in said


def test_of_the_calls_of_a_turn_only_those_that_the_next_prompt_explains_name_it() -> None:
    talk = Conversation().user(GOAL).ran("make part1", status="denied", never_ran=True)
    words = "Keep the old build, the shop in Vienna runs it!"
    denied = ToolResult(call_id="c", name="Bash", op="shell", status="denied", subject="make part2", user_words=words)
    talk.event(denied)
    talk.event(ToolResult(call_id="c", name="Bash", op="shell", status="denied", subject="ls", user_words="Not now!"))
    times = [talk.at_ms, talk.at_ms - MINUTE_MS, talk.at_ms - 2 * MINUTE_MS]
    talk.user(words).says("I leave it.").user("Now the receipt, with its own rounding.")
    said = under("What the user said", talk)
    [listed] = [part.entries for part in handoff(talk).sections if part.title == "What the user said"]
    refused = [one.at_ms for entry in listed for one in entry.sources if one.kind == "refusal"]

    assert "Refused, not run: `make part1` (turn 1, 5 min earlier)" in said
    assert "Refused, not run: `make part2` (turn 1, 4 min earlier); turn 2 says why" in said
    assert sorted(refused, reverse=True) == times


@pytest.mark.parametrize("words", ["/config", "continue"])
def test_a_command_or_a_short_reply_right_after_a_refusal_does_not_say_why(words: str) -> None:
    denied = ToolResult(call_id="c", name="Bash", op="shell", status="denied", subject="make part2", user_words=words)
    talk = Conversation().user(GOAL).event(denied).user(words).says("I leave it.").user("Now the receipt, rounded.")
    said = under("What the user said", talk)

    assert "Refused, not run: `make part2` (turn 1" in said
    assert "says why" not in said


def test_a_refusal_without_a_word_goes_with_its_session_when_the_user_has_left_it() -> None:
    before = session("s0").user(GOAL).ran("make part1", status="denied", never_ran=True).says("I leave it.")
    since = [session(f"p{at}", hours=at).user("Draw it.").edited("logo.svg").says("Drawn.") for at in (1, 2)]

    def ranks(*talks: Conversation) -> list[Rank | None]:
        [said] = [part.entries for part in handoff(*talks).sections if part.title == "What the user said"]
        return [entry.rank for entry in said if "Refused, not run: `make part1`" in entry.shown]

    assert ranks(before, since[0]) == [fixed_rank("refused")]
    assert ranks(before, *since) != [fixed_rank("refused")]


def test_words_typed_to_a_sub_agent_stand_in_the_turn_that_ran_then() -> None:
    talk = Conversation().user(GOAL).says("An agent looks into it.")
    at_work = Conversation(at_ms=talk.at_ms).event(UserPrompt(text="Leave the importer alone.", in_turn=True))
    at_work.ran("ls", "cart.py").event(UserPrompt(text="Only whole cents.", in_turn=True))
    at_work.event(Answer(call_id="q1", question="Which unit?", text="Pennies"))
    of_agent = [replace(event, subagent_id="a1") for event in at_work.events]
    early = Conversation(at_ms=talk.started_ms - 9 * MINUTE_MS).ran("ls", "cart.py")
    early.event(UserPrompt(text="Skip it.", in_turn=True))
    talk.at_ms = at_work.at_ms
    talk.user("Now the receipt, with its own rounding.").says("Done.")
    [lead] = project(talk).sessions
    with_agent = replace(project(talk), sessions=(replace(lead, subagents=(fold(Digest(), of_agent), early.digest)),))
    text = render(handoff(talk, view=with_agent))

    for words in ("Leave the importer alone", "Only whole cents"):
        assert re.search(rf"Typed while the agent worked \(turn 1[^)]*\): .*{words}", text)
    assert "Pennies" not in text


def test_words_typed_to_a_sub_agent_begin_no_turn_even_where_nothing_else_does() -> None:
    """As in a side chat (`/side` of Codex 0.171), which is of the user's words alone."""
    prompt = UserPrompt(text="What is a bundle?", in_turn=True)
    event = Event(key="k", session="s1", at_ms=1, body=prompt, subagent_id="aside")

    [turn] = fold(Digest(), [event]).turns
    assert (turn.number, turn.prompt, [reply.text for reply in turn.replies]) == (0, "", ["What is a bundle?"])
    [turn] = fold(Digest(), [replace(event, subagent_id=None)]).turns
    assert (turn.number, turn.prompt) == (1, "What is a bundle?")
