"""What a reader finds under which heading, in the words of the people who were there."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from carryover.distill.digest import Digest
from carryover.distill.entry import Entry
from carryover.distill.handoff import distill, has_past
from carryover.distill.render import lay_out, render
from carryover.distill.view import Opinion, Worktree
from carryover.facts import GitFacts
from carryover.model import (
    AgentSummary,
    Answer,
    BackgroundTask,
    PlanItem,
    PlanProposal,
    PlanUpdate,
    Question,
    QueuedPrompt,
    SummaryPart,
    ToolResult,
    TurnEnd,
)
from support.conversation import MINUTE_MS, START_MS, Conversation, handoff, project, section

GOAL = "Make the discount in cart.py return whole cents."
LOG = "2031-03-04 11:02:17 INFO  worker: starting\n2031-03-04 11:02:18 ERROR worker: cart-4711 failed"
HOUR_MS = 60 * MINUTE_MS


def session(name: str, *, hours: int = 0, agent: str = "claude-code") -> Conversation:
    return Conversation(session=name, agent=agent, at_ms=START_MS + hours * HOUR_MS)


def worked(name: str = "s1", *, hours: int = 0, says: str = "The discount is in cents.") -> Conversation:
    return session(name, hours=hours).user(GOAL).edited("cart.py").says(says)


def text_of(*talks: Conversation) -> str:
    return render(handoff(*talks))


def under(title: str, *talks: Conversation) -> str:
    return "\n".join(section(*talks, title=title))


# ---- the user's words


@pytest.mark.parametrize(
    ("second", "third"),
    [
        ("ok", "continue"),
        ("No, that is wrong. Round at the end, not in between.", "Better, thanks."),
        ("What does `total` stand for?", "And who calls it?"),
        ("Please also look at checkout.py, which shows the sum twice when the list has more than one page.", "ok"),
        (f"I get this now:\n\n{LOG}", "Why?"),
        ("テストも追加してください。", "お願いします"),
        ("/review", ""),
    ],
)
def test_the_goal_of_a_short_session_is_always_its_task(second: str, third: str) -> None:
    talk = worked()
    for prompt in (second, third):
        talk.user(prompt).edited("checkout.py").says("Done.")

    assert GOAL in under("Task", talk)


def test_a_greeting_is_no_goal() -> None:
    talk = session("s1").user("hi").says("Hello! What shall I do?").user(GOAL).edited("cart.py").says("Done.")
    talk.user("Thanks.").says("Gladly.").user("Push it.").ran("git push").says("Pushed.")

    assert GOAL in under("Task", talk)
    assert "): hi" not in under("Task", talk)


@pytest.mark.parametrize(
    "talk",
    [
        session("s1").user(LOG),
        session("s1").user("", command="/init"),
        session("s1").user(""),
        session("s1").user("").edited("cart.py").says("Done."),
        session("s1").calls("Find the callers", op="agent", name="Task"),
        session("s1").says("Welcome back."),
    ],
)
def test_as_soon_as_anything_happened_there_is_a_handoff(talk: Conversation) -> None:
    assert has_past(project(talk))
    assert "\n## " in text_of(talk)


def test_where_nothing_happened_there_is_none() -> None:
    assert distill(project(session("s1")), None, {}, resume="ask", now_ms=START_MS) is None
    assert not has_past(project(session("s1")))


def test_what_was_pasted_is_marked_as_no_words_of_the_user() -> None:
    talk = session("s1").user(f"The nightly run prints this:\n\n{LOG}\n\nWhy is that?").edited("cart.py").says("Fixed.")
    lines = section(talk, title="Task")

    assert any("The nightly run prints this: / Why is that?" in line for line in lines)
    assert [line.partition(": ")[0] for line in lines if "cart-4711" in line] == [f"pasted, {len(LOG)} characters"]


def test_everything_of_a_short_conversation_is_there() -> None:
    rule = "Never use floats for money: the tax office rejected them in March, and nobody noticed until June."
    talk = worked().user(rule).says("Noted, integers only.").user("Now the tax.").edited("tax.py")
    talk.says("The tax is done.\n\n- 7 % for books\n- 19 % for the rest")
    text = text_of(talk)

    for words in (
        GOAL,
        rule,
        "The discount is in cents.",
        "Noted, integers only.",
        "Now the tax.",
        "19 % for the rest",
    ):
        assert words in text


def test_a_correction_of_long_ago_is_still_there() -> None:
    talk = worked().user("Cap it at half.").calls("make cap").event(TurnEnd(reason="interrupted"))
    talk.user("No cap at all!").says("Understood.")
    for number in range(40):
        talk.user(f"Add part {number} of the list to the page.").edited(f"p{number}.py").says(
            f"Part {number} is there."
        )

    assert "No cap at all!" in under("What the user said", talk)
    assert GOAL in under("Task", talk)


def test_answers_and_refusals_stand_with_what_they_are_to() -> None:
    refused = ToolResult(
        call_id="c", name="Bash", op="shell", status="denied", subject="rm -r build", user_words="Keep the build!"
    )
    talk = session("s1").user(GOAL).event(Question(call_id="q", text="Which currency?", options=("EUR", "USD")))
    talk.event(Answer(call_id="q", question="Which currency?", text="EUR")).event(refused).edited("cart.py").says(
        "Done."
    )
    said = under("What the user said", talk)

    assert re.search(r"Asked “Which currency\?” .*, answered: EUR", said)
    assert re.search(r"On refusing `rm -r build` .*: Keep the build!", said)
    assert "Which currency?" not in under("Open questions", talk)


def test_what_was_typed_while_the_agent_worked_waits_under_the_task() -> None:
    talk = session("s1").user(GOAL).calls("make").event(QueuedPrompt(text="And cap it at half."))
    assert "And cap it at half." in under("Task", talk)

    talk.event(QueuedPrompt(text="And cap it at half.", change="withdrawn"))
    assert "And cap it at half." not in text_of(talk)


# ---- how it stands


def test_the_last_words_are_quoted_in_full_with_the_question_under_its_own_heading() -> None:
    report = "\n".join(f"- step {number}: {'the price is read, checked and written. ' * 3}" for number in range(8))
    talk = worked(says=f"{report}\n\nShall I delete the old table?")
    stands, asked = under("Where it stands", talk), under("Open questions", talk)

    assert all(f"step {number}:" in stands for number in range(8))
    assert "Shall I delete the old table?" in asked
    assert "Shall I delete the old table?" not in stands


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (None, "no answer recorded"),
        (TurnEnd(reason="interrupted"), "interrupted by the user"),
        (TurnEnd(reason="error", message="529 overloaded"), 'ended in an error after 2 calls: "529 overloaded"'),
        (TurnEnd(reason="limit", resets="3pm"), "stopped at its usage limit"),
    ],
)
def test_of_a_turn_that_was_cut_off_it_says_how_and_what_was_in_flight(ending: TurnEnd | None, words: str) -> None:
    talk = session("s1").user(GOAL).says("First the tests.", final=False).ran("make check", "ok")
    talk.says("Now the build.", final=False).calls("make all")
    if ending is not None:
        talk.event(ending)
    stands = under("Where it stands", talk)

    assert words in stands
    assert "Now the build." in stands
    assert "In flight, no result recorded: `make all`" in stands


def test_an_edit_without_a_result_may_or_may_not_have_been_made() -> None:
    talk = session("s1").user(GOAL).calls("/home/dev/shop/cart.py", op="edit", name="Edit")

    assert "Not known whether this edit was made: `cart.py`" in under("Open questions", talk)


def test_failing_and_stale_tests_are_open_and_the_newest_run_counts() -> None:
    talk = session("s1").user(GOAL).ran("pytest -q", "84 passed in 2.1s").edited("cart.py").says("Done.")
    assert "Tests not run again since `cart.py` changed" in under("Open questions", talk)

    talk.user("Test it.").ran("pytest -q", "FAILED test_cart.py::test_cap\n1 failed in 0.1s", status="error").says(
        "It fails."
    )
    assert "Tests fail in test_cart.py::test_cap" in under("Open questions", talk)
    assert "failed (1 failed)" in under("Where it stands", talk)

    talk.user("Fix it.").edited("cart.py").ran("pytest -q", "84 passed in 2.1s").says("Fixed.")
    assert under("Open questions", talk) == ""


def test_of_two_runs_in_the_same_moment_the_later_one_counts() -> None:
    """Some agents write times without seconds."""
    talk = session("s1").user(GOAL)
    for output in ("1 failed in 0.1s", "84 passed in 2.1s"):
        talk.at_ms = START_MS
        talk.event(ToolResult(call_id="c", name="Bash", op="shell", status="ok", subject="pytest -q", output=output))

    assert "84 passed" in under("Where it stands", talk.says("Done."))


def test_commits_that_were_not_pushed_are_counted() -> None:
    git = GitFacts(branch="main", head="abc1234", subject="Shop", ahead=2)
    made = distill(project(worked()), git, {}, resume="ask", now_ms=START_MS + HOUR_MS)

    assert made is not None
    assert "2 commits not pushed" in render(made)
    assert '\n## Git context\n- branch main at abc1234 "Shop"' in render(made)


def test_a_job_runs_until_it_ends_or_its_session_is_over() -> None:
    talk = worked().user("Serve it.").event(BackgroundTask(task_id="j", state="running", label="npm run serve"))
    talk.says("It runs.")
    assert "no end recorded: npm run serve" in under("Where it stands", talk)

    assert "npm run serve" not in under("Where it stands", talk, worked("s2", hours=5))
    talk.event(BackgroundTask(task_id="j", state="done"))
    assert "npm run serve" not in under("Where it stands", talk)


def test_what_failed_stands_with_its_cause_and_whether_it_worked_later() -> None:
    talk = session("s1").user(GOAL).ran("pip install money", "ERROR: No matching distribution", status="error")
    talk.ran("make cap", "error: no rule", status="error").ran("make cap", "ok").says("Done.")
    failed = section(talk, title="Failed approaches")

    assert len(failed) == 2
    assert failed[0].startswith("`pip install money`")
    assert failed[0].endswith("→ ERROR: No matching distribution")
    assert re.fullmatch(r"`make cap` \(.*solved since\) → error: no rule", failed[1])


def test_results_of_calls_are_there_as_far_as_there_is_room() -> None:
    talk = session("s1").user(GOAL).ran("make deploy", "queued as job-4711").ran("rg -n cap src", "src/cart.py:12: cap")
    files = under("Recent files", talk.edited("cart.py").says("Done."))

    assert "`make deploy`: queued as job-4711" in files
    assert "`rg -n cap src`: src/cart.py:12: cap" in files
    assert "`cart.py`: edited" in files


# ---- what comes next, what is open


def test_the_todo_list_is_what_comes_next() -> None:
    items = (PlanItem(text="Round", state="done"), PlanItem(text="Cap", state="active"), PlanItem(text="Test"))
    following = section(worked().event(PlanUpdate(items=items)), title="Next action")

    assert following == ["claude-code's todo list (1 of 3 done): in progress: Cap", "> open: Test"]


def test_a_question_is_closed_by_the_next_prompt_of_its_session_and_not_by_one_elsewhere() -> None:
    asked = worked(says="Done. Shall I delete the old table?")
    assert "Shall I delete the old table?" in under("Open questions", asked)

    elsewhere = session("s2", hours=1).user("continue").says("Do you want to continue from here?")
    assert "Shall I delete the old table?" in under("Open questions", asked, elsewhere)
    assert "continue from here?" not in under("Open questions", asked, elsewhere)

    asked.user("Yes, please.")
    assert "Shall I delete the old table?" not in under("Open questions", asked)
    assert "Shall I delete the old table?" in under("Next action", asked)


def test_a_tools_question_is_open_with_its_options_until_the_next_prompt() -> None:
    talk = session("s1").user(GOAL).event(Question(call_id="q", text="Which currency?", options=("EUR", "USD")))
    assert "Which currency? Options: EUR; USD" in under("Open questions", talk)

    assert "Which currency?" not in under("Open questions", talk.user("Euros."))


def test_a_written_plan_waits_for_the_users_word_and_is_what_the_work_goes_by_from_then_on() -> None:
    talk = session("s1").user("Plan it.").event(PlanProposal(call_id="p", text="# Plan\n1. Round last\n2. Cap"))
    assert "1. Round last / 2. Cap" in under("Open questions", talk)

    talk.event(PlanProposal(call_id="p", text="", accepted=True)).edited("cart.py").says("Done.")
    assert "Round last" not in under("Open questions", talk)
    assert "accepted by the user" in under("From the agent's own summary", talk)


def test_at_a_limit_it_says_when_it_resets_and_where_to_go_on() -> None:
    talk = session("s1").user(GOAL).edited("cart.py").event(TurnEnd(reason="limit", resets="3pm (Europe/Berlin)"))
    [line] = [
        text
        for title, lines in lay_out(handoff(talk, startable=("claude-code", "codex", "aider")))
        for text, _ in lines
        if title == "Next action"
    ]

    assert line == (
        "- claude-code reached its usage limit; it resets 3pm (Europe/Berlin); for the user: "
        "`carryover handoff --to codex` (or aider) goes on elsewhere"
    )
    assert "usage limit" not in under("Next action", talk, session("s2", hours=1).user("Go on.").edited("tax.py"))


def test_a_summary_is_quoted_by_its_headings_with_its_age() -> None:
    parts = (SummaryPart("next", "Next Step", "Round the tax."), SummaryPart("errors", "Errors", "Floats lost cents."))
    talk = (
        worked()
        .event(AgentSummary(text="x", source="compaction", parts=parts))
        .user("Go on.")
        .edited("a.py")
        .says("OK.")
    )
    summary = section(talk, title="From the agent's own summary")

    assert "“Errors” (1 prompt since): Floats lost cents." in summary[0]
    assert "“Next Step” (1 prompt since): Round the tax." in summary[1]


def test_a_text_from_outside_and_a_worktree_are_named_as_what_they_are() -> None:
    talk = worked()
    view = replace(
        project(talk),
        opinions=(Opinion(session="note-1", title="Cap it at half", at_ms=talk.at_ms),),
        worktrees=(Worktree(root="/home/dev/shop-tax", last_event_ms=talk.at_ms),),
    )
    made = distill(view, None, {}, resume="ask", now_ms=talk.at_ms)

    assert made is not None
    assert "Cap it at half (not checked, not the user's word: `carryover show note-1`)" in render(made)
    assert "Worktree /home/dev/shop-tax has its own handoff" in render(made)


# ---- several sessions


def test_after_thirty_sessions_of_talk_the_last_words_of_the_one_that_worked_are_there() -> None:
    talks = [worked(says="The discount is in cents. The tax is still in floats.")]
    for number in range(1, 31):
        talk = session(f"t{number}", hours=number, agent="codex").user("continue")
        talks.append(talk.says("It is about cents. Do you want to continue from here, or start something different?"))

    assert "The tax is still in floats." in under("Where it stands", *talks)
    assert GOAL in under("Task", *talks)
    assert under("Open questions", *talks) == ""


def test_what_was_only_talked_since_stands_beside_the_work() -> None:
    talk = (
        session("s2", hours=1, agent="codex").user("Why are the amounts floats?").says("They come from the old table.")
    )
    stands = under("Where it stands", worked(), talk)

    assert "The discount is in cents." in stands
    assert "Since then codex said" in stands
    assert "They come from the old table." in stands


def beside() -> tuple[Conversation, Conversation]:
    """Two sessions at the same time; the second one worked last."""
    first = worked("aaaa", says="The discount is in cents. Shall I delete the old table?")
    second = Conversation(session="bbbb", agent="codex", at_ms=START_MS + MINUTE_MS)
    second.user("Translate the guide to French.").edited("guide.md").says("Chapter one is French.").user("And two?")
    return first, second.edited("guide2.md").says("Chapter two is French.")


def test_work_at_the_same_time_is_named_beside_that_which_leads() -> None:
    task, other = under("Task", *beside()), under("Also in progress", *beside())

    assert "Translate the guide to French." in task
    assert "Make the discount" not in task
    assert "claude-code (turn 1 of aaaa" in other
    assert GOAL in other


@pytest.mark.parametrize(
    "talks",
    [
        beside(),
        (worked("s1"), worked("s2", hours=1, says="The tax is in cents. Shall I delete the old table?")),
        (worked().user("And the tax?").edited("tax.py").says("In cents.").user("Test it.").calls("make test"),),
        (worked(says="Done. Shall I delete the old table?").user("Yes, delete it."),),
    ],
    ids=["at the same time", "one after the other", "cut off", "replied"],
)
def test_nothing_is_said_twice(talks: tuple[Conversation, ...]) -> None:
    text = text_of(*talks)
    said = [turn.prompt for talk in talks for turn in talk.digest.turns]
    said += [
        line for talk in talks for turn in talk.digest.turns for line in re.split(r"(?<=[.?]) ", turn.answer) if line
    ]

    assert {words: text.count(words) for words in said if text.count(words) != said.count(words)} == {}


def test_every_line_names_the_record_that_it_comes_from() -> None:
    talks = []
    for at, name in enumerate(("aaaa", "bbbb", "cccc")):
        talk = session(name, hours=at)
        for turn in range(1, 7):
            mark = f"{name}{turn}"
            talk.user(f"Please do prompt-{mark} with care and tell me.").ran(
                f"make call-{mark}", f"call-{mark} is done"
            )
            talk.says(f"It was message-{mark} that I did.")
        talks.append(talk)
    lines = [entry for _, lines in lay_out(handoff(*talks)) for _, entry in lines]
    marks = [(source, found) for entry in lines for source in entry.sources for found in marks_in(source)]

    assert len(marks) > 24
    for source, (kind, name, turn) in marks:
        assert (source.kind, source.session, source.turn, source.agent) == (kind, name, int(turn), "claude-code")


def marks_in(entry: Entry) -> list[tuple[str, str, str]]:
    return re.findall(
        r"(prompt|call|message)-(aaaa|bbbb|cccc)(\d)", f"{entry.label} {entry.text}" if not entry.members else ""
    )


def test_a_session_that_is_named_hands_over_its_own_work() -> None:
    own = render(handoff(worked("s1"), worked("s2", hours=1, says="The tax is in cents."), own="s1"))

    assert own.partition("\n## Where it stands\n")[2].startswith("- claude-code's last words (turn 1")
    assert "last words (turn 1, 1 min earlier)" not in own
    assert Digest() == Digest()
