"""What agents said earlier, and what they wrote of it for themselves."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from carryover.distill.own_text import PROTOCOL_QUESTION
from carryover.model import AgentSummary, BackgroundTask, FileEdit, PlanItem, PlanUpdate, SummaryPart, TurnEnd
from support.conversation import GOAL, Conversation, handoff, section, session, under, worked


def test_the_newest_recap_is_fixed_until_more_was_asked_since() -> None:
    talk = worked().event(AgentSummary(text="The discount is done. Next: say whether it is capped.", source="away"))

    def is_fixed() -> bool:
        [said] = [one.entries for one in handoff(talk).sections if one.title == "From the agent's own summary"]
        return all(entry.rank is not None for entry in said)

    assert is_fixed()
    talk.user("Cap it at half.").says("It is capped.").user("And on the receipt.").says("There too.")
    assert is_fixed()
    talk.user("Now the tax, with a rate for books.")
    assert not is_fixed()


def test_a_todo_list_that_was_kept_since_says_what_is_next_in_place_of_the_summary() -> None:
    parts = (SummaryPart("next", "Next Step", "Round the tax."), SummaryPart("errors", "Errors", "Floats lost cents."))
    items = (PlanItem(text="Round the tax", state="active"), PlanItem(text="Print it"))
    talk = session("s1").user(GOAL).edited("cart.py").event(PlanUpdate(items=items))
    talk.event(AgentSummary(text="x", source="compaction", parts=parts)).edited("tax.py")
    title = "From the agent's own summary"
    assert "Round the tax." in under(title, talk)

    done = (replace(items[0], state="done"), replace(items[1], state="active"))
    talk.event(PlanUpdate(items=done)).edited("print.py")
    [line] = section(talk, title=title)
    assert "“Errors” (turn 1, 3 min earlier, no prompt since): Floats lost cents." in line


LEFT = SummaryPart(kind="pending", heading="Pending Tasks", text="Put the countdown back.")


@pytest.mark.parametrize(
    "summary",
    [
        AgentSummary(text="It is done. Next: put the countdown back.", source="away"),
        AgentSummary(text="x", source="compaction", parts=(LEFT,)),
    ],
    ids=lambda summary: summary.source,
)
def test_what_is_next_in_a_recap_or_summary_goes_once_three_turns_were_answered_since(summary: AgentSummary) -> None:
    talk = session("s1").user(GOAL).edited("cart.py").event(summary).event(TurnEnd(reason="interrupted"))
    for prompt in ("That has been done.", "Add the tax."):
        talk.user(prompt).edited("tax.py").says("It is there.")
    title = "From the agent's own summary"
    assert "the countdown back" in under(title, talk)
    assert section(talk.user("And the logo.").edited("logo.py").says("It is there."), title=title) == []


def test_prompts_of_other_sessions_have_come_since_a_summary_too() -> None:
    parts = (SummaryPart("errors", "Errors", "Floats lost cents."),)
    talk = session("s1").user(GOAL).edited("cart.py")
    talk.event(AgentSummary(text="x", source="compaction", parts=parts)).says("The cart is in cents.")
    later = session("s2", hours=1).user("Label the shelves.").edited("shelf.py").says("They have labels.")

    assert "“Errors” (turn 1 of s1, 60 min earlier, 1 prompt since): Floats" in under(
        "From the agent's own summary", talk, later
    )


def test_a_summary_in_a_session_without_a_prompt_is_its_own_agents() -> None:
    talk = session("s1", agent="codex").event(AgentSummary(text="Next: cap it.", source="compaction"))
    title = "From the agent's own summary"
    assert under(title, talk, worked("s2", hours=5)).startswith("codex's compaction summary")


def test_a_summary_in_one_piece_goes_with_the_end_of_its_turn_once_another_session_leads() -> None:
    talk = session("shop-2026-one", agent="codex").user(GOAL).edited("cart.py")
    talk.event(AgentSummary(text="Next: put the countdown back.", source="compaction"))
    title, other = "From the agent's own summary", worked("shop-2026-two", "Add a logo.", hours=5)
    assert under(title, talk, other).startswith("codex's compaction summary (turn 1 of shop-2026-o, ")
    assert "countdown" in under(title, talk, other)

    talk.edited("tax.py").says("It is there again.")
    assert "countdown" in under(title, talk)
    assert section(talk, other, title=title) == []


def test_the_end_of_a_summary_in_one_piece_is_fixed_until_an_answer_came_since() -> None:
    state = [f"Shelf {at} holds wares of table {at}, which nothing else reads, and is open all day." for at in range(9)]
    text = "\n".join(["Status", *state, "Next agent: put the countdown back."])
    talk = session("s1").user(GOAL).edited("cart.py").says("Done.").event(AgentSummary(text=text, source="compaction"))
    talk.user("It says that there is no countdown.")

    def fixed() -> list[str]:
        [said] = [one.entries for one in handoff(talk).sections if one.title == "From the agent's own summary"]
        return [entry.text for entry in said if entry.rank is not None]

    assert any("put the countdown back" in line for line in fixed())
    talk.edited("cart.py").says("It is there again.")
    assert fixed() == []


def test_an_answer_completes_a_summary_even_if_the_end_of_a_job_then_continues_the_turn() -> None:
    steps = SummaryPart(kind="next", heading="Next Step", text="Put the countdown back.")
    talk = session("s1").user(GOAL).edited("cart.py")
    talk.event(AgentSummary(text="Next Step: Put the countdown back.", source="compaction", parts=(steps,)))
    talk.edited("tax.py").says("The countdown is there again.", final=None)
    talk.at_ms += 20 * 60_000
    talk.event(BackgroundTask(task_id="b1", state="failed", label="Find it: exit code 1"))
    talk.calls("cat tax.py").event(TurnEnd(reason="limit", message="You've hit your limit"))

    assert section(talk, title="From the agent's own summary") == []


def test_nothing_is_settled_while_the_newest_recap_says_what_comes_next() -> None:
    for text, settled in (("The discount is done.", True), ("It is done. Next: say when the shop may close.", False)):
        assert handoff(worked().event(AgentSummary(text=text, source="away"))).settled is settled


def test_the_last_step_of_an_answer_stays_with_those_before_it() -> None:
    why = "\n".join(f"- {letter}: {'the price is read, checked and written. ' * 6}" for letter in "abcd")
    steps = "\n".join(f"{number}. Set the port of server {number}. {'It listens. ' * 12}" for number in (1, 2))
    talk = worked(says=f"The port is wrong.\n\n{why}\n\n{steps}\n\nIt was checked twice.")
    [said] = [one.entries for one in handoff(talk).sections if one.title == "Where it stands"]
    [first, second] = [entry.rank for entry in said if "Set the port" in entry.text]

    assert first is not None
    assert first == second


def test_what_an_answer_says_in_code_comes_with_how_it_begins() -> None:
    code = "\n".join(f"shop-{number} --port=80{number:02} --price=cents --round=down" for number in range(12))
    talk = (
        worked()
        .user("How do I start them all?")
        .says(f"There is no need to. Each one starts alone:\n\n```\n{code}\n```")
    )
    talk.user("Now the receipt.").edited("receipt.py").says("It has a line now.")
    talk.user("And its tax.").edited("tax.py").says("It has its tax.")
    log = under("Progress log", talk)

    assert "claude-code answered “There is no need to. Each one starts alone:” (turn 2" in log
    assert "--port=80" in log
    assert log.count("There is no need to.") == 1


def needed(*talks: Conversation) -> list[str]:
    """Returns the answers of which a handoff keeps one, however little their names are worth."""
    log = next((one.entries for one in handoff(*talks).sections if one.title == "Progress log"), ())
    return [one.text for entry in log if entry.needed for one in entry.sources if one.needed]


def test_what_was_done_last_is_needed_while_the_newest_turn_has_no_answer() -> None:
    talk = worked().user("Push it.").ran("git push").says("It is pushed.").user("And then?").says("Clone it there.")
    talk.user("How do I go on at home?").ran("ls")

    assert needed(talk) == ["It is pushed."]


LONG = "The totals are rounded once, at the end of the receipt: the tax was rounded before, so that both sums differed."


def test_the_work_before_the_newest_turn_is_needed_however_that_turn_ended() -> None:
    talk = session("s1").user("Why do the totals differ? Mend it.").edited("cart.py").says(LONG)
    talk.user("Now format it.").edited("style.py").says("It is formatted.")
    assert needed(talk) == [LONG]

    other = session("s2", hours=3).user("Draw a logo with an okapi.").edited("logo.svg").says("The okapi is drawn.")
    assert needed(session("s0").user("Mend it.").edited("cart.py").says(LONG), other) == [LONG]


def test_a_longer_answer_is_needed_rather_than_that_a_commit_was_pushed() -> None:
    talk = session("s1").user("Mend the totals.").edited("cart.py").says(LONG)
    talk.user("Commit.").ran("git commit -a", "[main 4a7f2c1] Round once").says(f"Committed: {LONG}")
    talk.user("Push.").ran("git push").says("It is pushed.").user("Now format it.").edited("style.py").says("Done.")
    assert needed(talk) == [LONG]


def test_neither_an_answer_of_the_leading_turn_nor_of_a_session_beside_it_is_what_was_done_before() -> None:
    talk = session("s1").user("Draw a logo.").edited("logo.svg").says(f"The okapi is drawn. {LONG}")
    talk.user("Mend it.").edited("cart.py").says(LONG).event(BackgroundTask(task_id="b1", state="done", label="Review"))
    assert needed(talk.calls("cat tax.py").says("The review found nothing.")) == [f"The okapi is drawn. {LONG}"]

    beside = session("s2").user("Round the tax.").edited("tax.py").says(f"The tax is rounded. {LONG}").user("And then?")
    lead = Conversation(session="s3", at_ms=beside.at_ms).user("Mend it.").edited("cart.py").says("It is mended.")
    assert needed(lead, beside.calls("ls")) == []


def test_the_newest_work_before_the_leading_turn_is_needed_whichever_session_did_it() -> None:
    talk = session("s1").user("Draw a logo.").edited("logo.svg").says(f"The okapi is drawn. {LONG}")
    other = session("s2", hours=1).user("Mend it.").edited("cart.py").says(LONG)
    talk.at_ms = other.at_ms
    assert needed(talk.user("Start the shop.").ran("make run").says("It runs."), other)[0] == LONG


def test_before_a_turn_without_an_answer_only_the_newest_work_is_needed() -> None:
    drawn = f"The okapi is drawn. {LONG}"
    talk = session("s1").user("Draw a logo.").edited("logo.svg").says(drawn)
    talk.user("Mend it.").edited("cart.py").says(LONG).user("Format it.").edited("style.py")

    assert needed(talk) == [LONG]
    assert needed(talk.says("It is formatted.")) == [LONG, drawn]


def test_a_turn_that_changed_and_committed_did_work_though_a_later_one_changed_that_file_again() -> None:
    first, second = (FileEdit(path="/repo/cart.py", change="modify", diff=f"-{one}\n+round({one})") for one in "ab")
    talk = session("s1").user("Draw a logo.").edited("logo.svg").says(f"The okapi is drawn. {LONG}")
    talk.user("Mend it.").event(first).ran("git commit -a", "[main 4a7f2c1] Round once").says(LONG)
    talk.user("And the tax.").event(second).says("The tax is rounded there, too.")
    assert needed(talk)[0] == LONG


def test_a_recap_goes_once_its_turn_was_answered() -> None:
    talk = worked().event(AgentSummary(text="Waiting for the review; next: mend what it finds.", source="away"))
    assert "Waiting for the review" in under("From the agent's own summary", talk)

    talk.event(BackgroundTask(task_id="b1", state="done", label="Review"))
    talk.says("The review found one bug, which is mended.")
    assert section(talk, title="From the agent's own summary") == []


def test_a_short_rest_of_a_first_line_gets_no_line_of_its_own() -> None:
    first = "Changed as you asked, and deployed right after that to the shop's new page, in (web/chat/main.go:51-59):"
    rest = [f"- part {number}: {'the sensors have links and places, and stand in a table. ' * 7}" for number in (1, 2)]
    talk = session("s1").user("Add links.").edited("main.go").says("\n\n".join((first, *rest)))
    talk.user("Format it.").edited("style.py").says("It is formatted.")
    [log] = [one.entries for one in handoff(talk).sections if one.title == "Progress log"]

    assert log and all("Changed as you asked" in entry.label for entry in log)
    assert not any("main.go" in entry.text for entry in log)


def test_an_answer_that_shows_nothing_has_no_line() -> None:
    talk = worked().user("Push it.").ran("git push").says("\x1b").user("And then?").ran("ls")

    assert under("Progress log", talk) == "claude-code answered (turn 1, 7 min earlier): The discount is in cents."


def test_what_was_said_before_a_call_is_told_without_the_sentence_that_leads_to_it() -> None:
    talk = session("s1").user("Why is the okapi board dark?")
    talk.says("The lamp is fine. Its fuse is of 1 A not of 2 A. Let me look at others.", final=False)
    talk.ran("fuses").says("Now the zebra board, which has the same fuse.", final=False).ran("fuses zebra")
    talk.says("The note is there. I go on.", final=False).ran("note")
    talk.says("These must stay:\n- the fuse of 2 A\n- the lamp of the yard", final=False).ran("note")
    log = under("Progress log", talk.says("The fuse is changed."))

    assert "said on the way (turn 1, 12 min earlier): The lamp is fine. Its fuse is of 1 A not of 2 A. | " in log
    assert "Let me look" not in log
    assert "Now the zebra board" not in log
    assert "The note is there" not in log
    assert "the lamp of the yard" in log


def test_what_is_quoted_where_it_stands_is_not_told_again_as_said_on_the_way() -> None:
    talk = session("s1").user("Why is the okapi board dark?")
    talk.says("Its fuse is of 1 A and wants to be of 2 A. I change it.", final=False).ran("fuse 2")
    talk.says("It glows. I look again.", final=False)
    cut_off = talk.event(TurnEnd(reason="interrupted"))
    assert "Its fuse is of 1 A" in under("Where it stands", cut_off)
    assert "Its fuse is of 1 A" not in under("Progress log", cut_off)

    later = cut_off.user("And the zebra board?").edited("zebra.txt").says("It has light.")
    assert "said on the way (turn 1, 7 min earlier): Its fuse is of 1 A and wants" in under("Progress log", later)


def test_long_code_is_left_out_of_what_an_agent_said() -> None:
    code = "\n".join(["```python", *(f"rate_{at} = {at}" for at in range(7)), "```"])

    assert worked(says=f"Converted.\n{code}\nAll pass.").turn.answer == "Converted.\n…\nAll pass."


def test_no_commit_stands_as_the_newest_that_is_not() -> None:
    talk = worked()
    for number, part in enumerate(("cart", "tax", "receipt"), 1):
        subject = f"Count cents in the {part}, {'and say on each line of it what they are for, ' * 3}as the shop does"
        talk.user(f"Now the {part}.").ran("git commit -a", f"[main 4a7f2c{number}] {subject}").says("It is done.")
    committed = [line for line in section(talk, title="Progress log") if line.startswith("Committed")]

    assert len(committed) == 1
    assert "receipt" in committed[0] and "4a7f2c3" in committed[0]


def test_what_was_said_of_a_handoff_as_it_asks_for_is_not_told_again() -> None:
    """Neither where another session went on, nor where the user did in the same one."""
    asks = session("s2", hours=1).user("Let's start.").says(f"The task: a discount. **{PROTOCOL_QUESTION}**")
    other = session("s3", hours=2).user("Round the tax.").edited("tax.py").says("It is rounded.")
    assert section(worked(), asks, other, title="Progress log") == [
        "claude-code answered (turn 1 of s1, 2 h earlier): The discount is in cents."
    ]

    asks.user("Yes, and round the tax.").edited("tax.py").says("It is rounded.").user("Now the receipt.")
    assert "The task: a discount" not in under("Progress log", worked(), asks)


def test_an_answer_with_work_is_told_though_it_asks_as_a_handoff_does() -> None:
    talk = session("s1").user("Say the words in bold.").edited("a.md").says(f"They are bold: {PROTOCOL_QUESTION}")
    assert "They are bold" in under("Progress log", talk.user("Now the receipt.").edited("b.md").says("It is there."))


def test_what_was_found_for_a_request_is_told_though_it_asks_as_a_handoff_does() -> None:
    asked = session("s2", hours=1).user("Why do the totals differ?").calls("cat receipt.py")
    asked.says(f"The receipt rounds each line. {PROTOCOL_QUESTION}")
    other = session("s3", hours=2).user("Round the tax.").edited("tax.py").says("It is rounded.")
    assert "The receipt rounds each line" in under("Progress log", worked(), asked, other)
