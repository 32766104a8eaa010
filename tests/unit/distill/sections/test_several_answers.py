"""A turn may have several answers: the end of a job, or a message of another session, makes it go on after one."""

from __future__ import annotations

import pytest

from carryover.model import AgentSummary, BackgroundTask, UserPrompt
from support.conversation import handoff, section, session, under, worked


def test_an_answer_counts_although_a_job_or_another_session_made_the_turn_go_on() -> None:
    talk = worked().user("Test it.").says("The okapi test fails because of the clock.")
    talk.event(BackgroundTask(task_id="b1", state="done", label="Build done")).ran("make").says("The build passes.")
    talk.event(UserPrompt(text="Push nothing.", actor="model", sender="docs")).ran("git status").says("I do not.")

    log = under("Progress log", talk)
    assert "answered (turn 2, 4 min earlier): The build passes. | (turn 2, 8 min earlier): The okapi test fails" in log
    assert "I do not." in under("Where it stands", talk)
    assert [said.final for said in talk.turn.said] == [True, True, True]


@pytest.mark.parametrize(
    ("after", "calls", "is_answer"),
    [
        ("That was the old search.", False, False),
        ("The search has ended, and it found five more queries without one.", False, True),
        ("Built.", True, True),
    ],
)
def test_what_only_acknowledges_the_end_of_a_job_does_not_take_the_place_of_the_answer(
    after: str, calls: bool, is_answer: bool
) -> None:
    talk = worked().user("Why is it slow?")
    talk.says("The okapi query reads every row of the board, since it has no index.\n\nShall I add one?")
    talk.event(AgentSummary(text="The okapi board is slow.", source="away"))
    talk.event(BackgroundTask(task_id="b1", state="done", label="Search done"))
    talk = (talk.ran("make") if calls else talk).says(after)

    stands, asks, log = (under(title, talk) for title in ("Where it stands", "Open questions", "Progress log"))
    assert ("The okapi query reads every row" in stands) is not is_answer
    assert ("Shall I add one?" in asks) is not is_answer
    assert (after in stands) is is_answer
    assert ("ended since the last words: “Search done”" in stands) is not is_answer
    assert ("The okapi query" if is_answer else after) in log
    assert ("The okapi board is slow." in under("From the agent's own summary", talk)) is not is_answer
    assert ("ended since" in under("Where it stands", talk.user("And now?").says("It is fast."))) is False


def test_a_question_at_the_end_of_a_job_is_open_however_short_it_is() -> None:
    talk = worked().user("Why is it slow?").says(f"The okapi query reads every row of the board, {'again ' * 20}.")
    talk.event(BackgroundTask(task_id="b1", state="done", label="Copy done"))

    assert "Shall I retry?" in under("Open questions", talk.says("The copy failed. Shall I retry?"))


@pytest.mark.parametrize(("ended", "after", "final"), [(0, "Done.", True), (1, "Look at the board:", False)])
def test_a_short_text_counts_that_follows_no_job_or_is_no_answer(ended: int, after: str, final: bool) -> None:
    talk = worked().user("Why is it slow?").says("The okapi query reads every row of the board, since it has no index.")
    for number in range(ended):
        talk.event(BackgroundTask(task_id=f"b{number}", state="done", label="Search done"))

    stands = under("Where it stands", talk.says(after, final=final))
    assert (after in stands, "ended since" in stands) == (True, False)


def test_an_answer_that_is_said_again_after_a_job_is_still_the_answer() -> None:
    talk = worked().user("Why is it slow?").says("It waits.")
    talk.event(BackgroundTask(task_id="b1", state="done", label="Search done"))

    assert "It waits." in under("Where it stands", talk.says("It waits."))


def test_answers_of_a_turn_stay_longer_than_what_was_said_on_the_way() -> None:
    talk = session("s1").user("Count.").says("The first count is 41.")
    for number in range(20):
        talk.says(f"Look at part {number}.", final=False).ran(f"wc part{number}")
    talk.says("The last count is 43.").user("And now?")

    assert [said.text for said in talk.digest.turns[0].said][:1] == ["The first count is 41."]
    assert "The first count is 41." in under("Progress log", talk.says("All."))


def test_what_another_session_sent_is_told_as_its_words_and_never_as_the_users() -> None:
    order = UserPrompt(text="Keep your hands off the okapi board.", actor="model", sender="boards 3")
    talk = session("s1").event(order).says("I do.").user("Read the labels.").says("There are 12.")
    for number in range(8):
        talk.event(UserPrompt(text=f"Board {number} is free.", actor="model", sender="boards 3")).says("Good.")

    log = under("Progress log", talk)
    assert "Message of another agent, “boards 3” (turn 0" in log
    assert "Keep your hands off the okapi board." in log
    assert "Board 7 is free." in log
    assert "okapi" not in under("Task", talk) + under("What the user said", talk)
    assert talk.digest.prompts == 1
    assert [heard.text for heard in talk.turn.heard] == [f"Board {number} is free." for number in (0, 6, 7)]


def test_what_another_agent_asks_is_the_task_of_a_session_in_which_no_user_wrote() -> None:
    boards = (f"{number}. Look at board {number} of the okapi house, and say who wrote it." for number in range(40))
    order = "\n".join(boards)
    talk = session("s1").event(UserPrompt(text=order, actor="model", sender="keeper")).ran("make boards").says("I do.")
    talk.event(UserPrompt(text="Leave board 7.", actor="model", sender="keeper")).ran("make labels")

    task = under("Task", talk)
    assert "Asked by another agent, “keeper” (turn 0, 6 min earlier): 0. Look at board 0" in task
    assert "39. Look at board 39" in task
    assert "Asked by another agent, “keeper” (turn 0, 2 min earlier): Leave board 7." in task
    assert "board 7" not in under("Progress log", talk)


@pytest.mark.parametrize(("hours", "is_led"), [(0, True), (9, False)])
def test_a_session_that_another_agent_ordered_does_not_lead_beside_the_users(hours: int, is_led: bool) -> None:
    """An agent of a team (Claude Code) has a session of its own. One that is ordered another day stands for itself."""
    talk = session("lead").user("Label all okapi boards with a team.").says("Two agents are at it.")
    order = UserPrompt(text="You are the painter: paint board 7.", actor="model", sender="lead")
    painter = session("painter", hours=hours).event(order).edited("board.py").says("Board 7 is painted.")

    task, stands = under("Task", talk, painter), under("Where it stands", talk, painter)
    assert ("Asked by another agent" in task) is not is_led
    assert ("Two agents are at it." in stands) is is_led
    assert "Label all okapi boards" in task
    assert "Board 7 is painted." in stands
    assert "You are the painter" in section(talk, painter, title="Task", led_by="painter")[0]


@pytest.mark.parametrize(
    "prompt",
    [
        UserPrompt(text="Read .carryover/handoff.md, then go on with the task it describes."),
        UserPrompt(text="", attachments=1),
    ],
)
def test_a_report_of_an_agent_is_no_task_of_a_session_that_a_user_began_without_words(prompt: UserPrompt) -> None:
    talk = session("s2", hours=3).event(prompt)
    talk.event(UserPrompt(text="Board 7 is read.", actor="model", sender="reader")).ran("make boards").says("It is.")

    task = under("Task", worked(), talk)
    assert "Board 7" not in task
    assert "whole cents" in task
    assert "Message of another agent, “reader” (turn 1, 3 min earlier)" in under("Progress log", worked(), talk)


@pytest.mark.parametrize("more", ["", "edited", "ran"])
def test_the_answer_of_a_turn_that_only_commits_comes_below_the_answer_about_the_work(more: str) -> None:
    talk = worked().user("Label the okapi board.").edited("board.py").says("It is labelled. The zebra board is left.")
    talk.user("commit and push").ran("git add -A").ran("git commit -m Labels", "[main 4a7f2c1] Labels")
    talk.ran("git push origin main")
    if more == "edited":
        talk.edited("README.md")
    for number in range(9 if more == "ran" else 0):
        talk.ran(f"make part{number}")
    talk.says("Committed as 4a7f2c1.")

    stands = under("Where it stands", talk)
    before = "claude-code's words after the newest work (turn 2, "
    assert ("The zebra board is left." in stands and before in stands) == (more == "")
    assert "last words (turn 3): Committed as 4a7f2c1." in stands


def test_the_words_after_the_newest_work_say_how_many_answers_came_since() -> None:
    talk = worked(says="Nine boards in ten are labelled.").user("Is that all?").says("I was wrong: all ten are.")
    assert "words after the newest work (turn 1, 2 min earlier): Nine" in under("Where it stands", talk)

    talk.user("Which is the oldest?").says("The okapi board.")
    assert "words after the newest work (turn 1, 4 min earlier, 2 answers since): Nine" in under(
        "Where it stands", talk
    )


def test_the_first_line_of_the_newest_works_last_words_is_fixed_like_the_last_line() -> None:
    said = "The okapi board is labelled in two languages.\n\n" + "The keeper asked for a line more. " * 12
    talk = worked().user("Label the okapi board.").edited("board.py").says(f"{said}\n\nThe zebra board is left.")
    talk.user("Which board is the oldest of all?").says("The okapi board.")

    [stands] = [one.entries for one in handoff(talk).sections if one.title == "Where it stands"]
    parts = [one for one in stands if "words after the newest work" in one.label]
    assert len(parts) > 2
    assert [one.rank is not None for one in (parts[0], parts[1], parts[-1])] == [True, False, True]


def test_six_lines_of_the_last_words_are_fixed_and_four_of_them_are_at_the_end() -> None:
    phases = [f"Phase {number} changes {'the page and what is below it, ' * 6}and is tested." for number in range(9)]
    talk = session("s1").user("What is left to do?").edited("page.py").says("\n\n".join(phases))
    lines = [entry for section in handoff(talk).sections for entry in section.entries if entry.kind == "message"]
    fixed = [phases.index(entry.text) for entry in lines if entry.rank is not None]

    assert fixed == [0, 1, 5, 6, 7, 8]


@pytest.mark.parametrize("changes", [False, True])
def test_what_the_newest_answers_propose_stays_if_their_turns_changed_nothing(changes: bool) -> None:
    cards = [f"Card {number} says {'what a guest sees there at first, ' * 6}in a few words." for number in range(9)]
    talk = session("s1").user("Make the first card shorter.").edited("page.html").says("It is shorter.")
    talk.user("How could the cards be better?")
    talk = talk.edited("cards.html") if changes else talk
    talk.says("\n\n".join(cards)).user("Take the third now.").edited("page.html").says("The third is in.")
    lines = [entry for part in handoff(talk).sections for entry in part.entries if part.title == "Progress log"]
    fixed = [cards.index(entry.text) for entry in lines if entry.text in cards and entry.rank is not None]

    assert fixed == ([] if changes else [6, 7, 8])


def test_what_another_session_answered_does_not_hide_what_the_newest_answers_propose() -> None:
    cards = [f"Card {number} says {'what a guest sees there at first, ' * 6}in a few words." for number in range(9)]
    other = session("s2").user("Make the door shorter.").edited("door.html").says("It is shorter.")
    other.user("Paint it.").edited("door.html").says("It is painted.")
    talk = session("s1").user("Make the first card shorter.").edited("page.html").says("It is shorter.")
    talk.user("How could the cards be better?").says("\n\n".join(cards))
    talk.user("Take the third now.").edited("page.html").says("The third is in.")
    lines = [entry for part in handoff(talk, other).sections for entry in part.entries if part.title == "Progress log"]

    assert [cards.index(one.text) for one in lines if one.text in cards and one.rank is not None] == [6, 7, 8]


def test_the_newest_work_has_a_line_although_the_answers_since_only_looked() -> None:
    done = "It is all done now, and the keeper may look at it whenever there is time for that, at best before noon."
    talk = session("s1").user("Paint the board.").edited("board.py").says(done)
    for what in ("first", "second", "third"):
        talk.user(f"How long is the {what} board?").ran(f"ls {what}").says(f"The {what} board is as long as all.")
    talk.user("Then paint the fourth.").edited("fourth.py").says("The fourth is painted.")
    entries = [entry for part in handoff(talk).sections for entry in part.entries if entry.text.startswith("It is all")]

    assert [entry.needed for entry in entries] == [True]
