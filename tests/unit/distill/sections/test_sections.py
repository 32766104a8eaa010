"""What is read from records under each heading: how it stands, what comes next, what is open."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from msgspec.structs import replace

from carryover import model
from carryover.distill.own_text import PROTOCOL_QUESTION
from carryover.distill.render import lay_out, render
from carryover.distill.sections.quoting import last_words
from carryover.distill.view import Opinion, Worktree
from carryover.facts import Facts, GitFacts
from carryover.model import PlanItem, SessionInfo, SummaryPart, TurnEnd
from support.conversation import (
    GOAL,
    HOUR_MS,
    MINUTE_MS,
    ROOT,
    Conversation,
    handoff,
    project,
    section,
    session,
    under,
    worked,
)


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
        (
            TurnEnd(reason="error", message='400 {"error":{"code":400,"message":"No model"},"user_id":"u_3A4BC5"}'),
            'ended in an error after 2 calls: "400 No model"',
        ),
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

    again = under("Where it stands", talk.user("Go on.").says("Now the rest.", final=False).ran("make rest"))
    assert "no answer recorded" in again
    assert "make all" not in again
    assert "529" not in again


def test_an_edit_without_a_result_may_or_may_not_have_been_made() -> None:
    talk = session("s1").user(GOAL).calls("/home/dev/shop/cart.py", op="edit", name="Edit")

    assert "Not known whether this edit was made: `cart.py`" in under("Open questions", talk)


def test_a_job_runs_until_it_ends_or_was_not_heard_of_for_a_day() -> None:
    talk = worked().user("Serve it.").event(model.BackgroundTask(task_id="j", state="running", label="npm run serve"))
    talk.says("It runs.")
    assert "no end recorded: “npm run serve”" in under("Where it stands", talk)

    assert "“npm run serve” (5 h earlier)" in under("Where it stands", talk, worked("s2", hours=5))
    assert "npm run serve" not in under("Where it stands", talk, worked("s2", hours=50))
    talk.event(model.BackgroundTask(task_id="j", state="done"))
    assert "no end recorded" not in under("Where it stands", talk)
    assert "ended since the last words: “npm run serve: done”" in under("Where it stands", talk)


def test_a_test_run_in_a_subfolder_says_where() -> None:
    talk = Conversation().user("Test it.").edited("cart.py").ran("pytest -q", "1 failed", status="error")
    assert "`pytest -q`: failed" in under("Where it stands", talk)

    talk.cwd = f"{ROOT}/packages/api"
    talk.ran("pytest -q", "2 passed")
    assert "`pytest -q` in `packages/api`: passed (2 passed)" in under("Where it stands", talk)


def test_a_turn_that_nothing_is_said_to_have_ended_was_not_cut_off() -> None:
    talk = Conversation().user(GOAL).says("I look first.", final=False).user("And the tax?").says("Both are done.")
    talk.user("Thanks for that, now document both of them.").says("It is documented.")
    assert "cut off" not in under("Progress log", talk)


def test_a_refusal_without_words_goes_once_the_call_was_allowed() -> None:
    talk = Conversation().user(GOAL).ran("make deploy", status="denied", never_ran=True)
    assert "Refused, not run: `make deploy`" in under("What the user said", talk)

    talk.ran("make deploy", "Deployed.")
    assert "Refused" not in under("What the user said", talk)


def test_words_typed_while_the_agent_worked_stand_with_the_newest_prompt_then_among_what_was_said() -> None:
    talk = Conversation().user(GOAL).says("Which files?").calls("make test")
    for words in ("Use cents everywhere.", "Leave the importer alone.", "Name it Discount.", "No floats at all."):
        talk.event(model.UserPrompt(text=words, in_turn=True))
    task = under("Task", talk)
    assert task.count("Typed while the agent worked") == 3
    assert all(words in task for words in ("Leave the importer", "Name it", "No floats"))
    assert "Use cents everywhere." in under("What the user said", talk)
    talk.says("Done.").user("Now the receipt, with its own rounding.")
    assert under("What the user said", talk).count("(turn 1, ") == 4


def test_the_newest_task_is_no_newest_prompt_once_a_reply_came_after_it() -> None:
    talk = Conversation().user(GOAL).says("Done.").user("Now document the discount in the guide.").says("Shall I?")
    assert "Newest prompt (turn 2" in under("Task", talk)

    talk.user("yes").says("It is documented.")
    assert "Newest task (turn 2" in under("Task", talk)


def test_a_project_whose_folder_is_unknown_is_no_worktree() -> None:
    talk = Conversation().user(GOAL).edited("/elsewhere/cart.py").says("Done.")
    unknown = replace(project(talk), checkouts=("", "C:", "D:"))
    assert "in worktree" not in render(handoff(talk, view=unknown))


def test_a_commit_has_its_own_time_and_not_that_of_its_prompt() -> None:
    talk = Conversation().user(GOAL).edited("cart.py")
    talk.at_ms += HOUR_MS
    talk.ran("git commit -m 'Cap it'", "[main 4a7f2c1] Cap it").says("Done.")

    assert "Committed (turn 1, 1 min earlier): Cap it (4a7f2c1)" in under("Progress log", talk)


def test_of_an_edit_that_names_no_file_nothing_is_open() -> None:
    talk = Conversation().user(GOAL).event(model.ToolCall(call_id="w", name="Write", op="write", subject=""))
    assert "Not known whether" not in under("Open questions", talk)


def test_what_failed_stands_with_its_cause_and_whether_it_worked_later() -> None:
    talk = session("s1").user(GOAL).ran("pip install money", "ERROR: No matching distribution", status="error")
    talk.ran("make cap", "error: no rule", status="error").ran("make cap", "ok").says("Done.")
    talk.ran(f"deno task {'cart ' * 40}", f"TypeError: {'cents ' * 30} got 4711", status="error").says("Why?")
    long, first, again = section(talk, title="Failed approaches")

    assert long.endswith(" got 4711")
    assert first.startswith("`pip install money`")
    assert first.endswith("→ ERROR: No matching distribution")
    assert re.fullmatch(r"`make cap` \(.*solved since\) → error: no rule", again)


def test_the_todo_list_is_what_comes_next() -> None:
    items = (PlanItem(text="Round", state="done"), PlanItem(text="Cap", state="active"), PlanItem(text="Test"))
    following = section(worked().event(model.PlanUpdate(items=items)), title="Next action")

    assert following == ["claude-code's todo list (1 of 3 done): in progress: Cap | open: Test"]


def test_a_written_plan_waits_for_the_users_word_and_is_what_the_work_goes_by_from_then_on() -> None:
    talk = session("s1").user("Plan it.").event(model.PlanProposal(call_id="p", text="# Plan\n1. Round last\n2. Cap"))
    assert "1. Round last ¶ 2. Cap" in under("Open questions", talk)

    talk.event(model.PlanProposal(call_id="p", text="", accepted=True)).edited("cart.py").says("Done.")
    assert "Round last" not in under("Open questions", talk)
    assert "accepted by the user" in under("From the agent's own summary", talk)


def test_a_plan_whose_refusal_is_the_last_record_has_no_ruling_unless_another_session_began_with_it() -> None:
    plan = "# Plan\n\n1. Round last\n2. Cap"
    talk = session("s1").user("Plan it.").event(model.PlanProposal(call_id="p", text=plan))
    talk.event(model.PlanProposal(call_id="p", text="", accepted=False))
    assert "no ruling is recorded" in under("Where it stands", talk)
    assert "of which no ruling is recorded (turn 1): Plan ¶ 1. Round last ¶ 2. Cap" in under("Open questions", talk)

    later = worked("s2", f"Implement the following plan:\n\n{plan}", hours=1)
    assert "its plan was accepted, and session s2 began with it" in "\n".join(
        section(talk, later, title="Where it stands", led_by="s1")
    )
    assert section(talk, later, title="Open questions", led_by="s1") == []
    assert section(talk, later, title="Open questions") == []

    talk.at_ms += 4 - MINUTE_MS  # the client writes that the user interrupted it in any case
    talk.event(TurnEnd(reason="interrupted"))
    assert "no ruling is recorded" in under("Where it stands", talk)
    talk.event(TurnEnd(reason="interrupted"))
    assert "its plan was refused by the user" in under("Where it stands", talk)
    assert section(talk, title="Open questions") == []


def test_work_in_an_agents_own_worktree_names_it() -> None:
    tree = "/home/dev/.codex/worktrees/1a2b/shop"
    talk = session("s1", agent="codex").event(model.SessionInfo(branch="codex/tax")).user(GOAL)
    talk.event(model.FileEdit(path=f"{tree}/tax.py", change="add")).says("Done.")
    view = replace(project(talk), checkouts=(tree,))
    made = handoff(talk, view=view, facts=Facts(GitFacts(branch="main", head="abc1234")))

    assert f"on branch codex/tax in worktree `{tree}`" in render(made)


def test_at_a_limit_it_says_when_it_resets_and_where_to_go_on() -> None:
    talk = session("s1").user(GOAL).edited("cart.py").event(TurnEnd(reason="limit", resets="3pm (Europe/Berlin)"))
    [(line, _)] = dict(lay_out(handoff(talk, startable=("claude-code", "codex", "aider"))))["Next action"]

    assert line == (
        "- claude-code reached its usage limit; it resets 14:00 UTC (3pm (Europe/Berlin)); for the user: "
        "`carryover to codex` (or aider) continues elsewhere"
    )
    [(line, _)] = dict(lay_out(handoff(talk, startable=("claude-code",))))["Next action"]
    assert line.endswith("; for the user: `carryover to AGENT` continues elsewhere"), "none other was found"
    [(line, _)] = dict(lay_out(handoff(talk)))["Next action"]
    assert line.endswith("(3pm (Europe/Berlin))"), "a colleague has other agents"
    assert "usage limit" not in under("Next action", talk, session("s2", hours=1).user("Go on.").edited("tax.py"))


def test_a_limit_that_the_user_cancels_at_is_still_the_limit() -> None:
    limit = TurnEnd(reason="limit", message="Session limit reached", resets="3pm")
    talk = Conversation().user(GOAL).says("I look first.", final=False).event(limit)
    talk.event(TurnEnd(reason="interrupted"))
    assert "stopped at its usage limit" in under("Where it stands", talk)
    assert talk.digest.ending is not None and talk.digest.ending.resets == "3pm"
    talk.event(TurnEnd(reason="limit", resets="5pm"))
    assert talk.digest.ending is not None and talk.digest.ending.resets == "5pm"
    # Once the agent has gone on, it was the user.
    talk.calls("make test").event(TurnEnd(reason="interrupted"))
    assert talk.turn.end == "interrupted"
    assert Conversation().event(TurnEnd(reason="interrupted")).digest.ending is not None, "of a thread's first record"


def test_a_summary_is_quoted_by_its_headings_with_its_age() -> None:
    parts = (SummaryPart("next", "Next Step", "Round the tax."), SummaryPart("errors", "Errors", "Floats lost cents."))
    talk = worked().event(model.AgentSummary(text="x", source="compaction", parts=parts))
    talk.user("Go on.").edited("a.py").says("OK.")
    summary = section(talk, title="From the agent's own summary")

    assert "“Errors” (turn 1, 1 prompt since): Floats lost cents." in summary[0]
    assert "“Next Step” (turn 1, 1 prompt since): Round the tax." in summary[1]


def test_what_a_summary_had_still_to_do_goes_once_its_turn_has_ended_with_an_answer() -> None:
    kinds: tuple[Literal["pending", "current", "next", "errors"], ...] = ("pending", "current", "next", "errors")
    parts = tuple(SummaryPart(kind, f"Of {kind}", f"Round the {kind} tax.") for kind in kinds)
    talk = session("s1").user(GOAL).edited("cart.py")
    talk.event(model.AgentSummary(text="x", source="compaction", parts=parts)).says("I go on.", final=False)
    title = "From the agent's own summary"
    assert [line for line in section(talk, title=title) if "Of pending" in line]

    talk.edited("tax.py").says("It is rounded.").user("And the receipt?").says("It has cents.")
    [line] = section(talk, title=title)
    assert "“Of errors” (turn 1, 1 prompt since)" in line


def test_what_is_beside_the_conversations_is_named_as_what_it_is() -> None:
    talk = worked()
    now, later = (Opinion(session=f"note-{h}", title="Cap it", at_ms=talk.at_ms + h * 3_600_000) for h in (0, 3))
    tree = Worktree(root="/home/dev/shop-tax", last_event_ms=talk.at_ms, task="Add the tax")
    view = replace(project(talk), opinions=(now, later), worktrees=(tree,))
    git = GitFacts(branch="main", head="abc1234", subject="Shop", ahead=2)
    text = render(handoff(talk, view=view, facts=Facts(git)))

    assert "Cap it (not checked, not the user's word: `carryover show note-0`)" in text
    assert "Cap it (3 h later; not checked, " in text
    assert "Worktree `/home/dev/shop-tax`, with its own handoff (now): Add the tax" in text
    assert "2 commits not pushed" in text
    assert '\n## Git context\n- when this was written: branch main at abc1234 "Shop"' in text


def test_what_the_user_brought_in_is_named_however_much_else_there_is() -> None:
    talk = worked()
    for number in range(20):
        wishes = " ".join(f"Convert `checkout_{number}_{part}.py` to cents, never floats." for part in range(5))
        talk.user(wishes).edited(f"checkout_{number}_0.py").says(f"{wishes} That is done.")
    brought = tuple(Opinion(session=f"note-{n}", title=f"Try {n}", at_ms=talk.at_ms) for n in range(2))
    text = render(handoff(talk, view=replace(project(talk), opinions=brought)))

    assert [f"Try {n} (not checked" in text for n in range(2)] == [True, True]


OPTIONS = "1. a cache\n2. a background job"


@pytest.mark.parametrize(
    ("text", "body", "question"),
    [
        ("It is done.", "It is done.", ""),
        ("It is done.\n\nShall I delete the old one?", "It is done.", "Shall I delete the old one?"),
        (
            "It is done. All pass. Shall I delete the old module and all of its tests in `old/`, which nothing calls?",
            "It is done. All pass.",
            "Shall I delete the old module and all of its tests in `old/`, which nothing calls?",
        ),
        ("It is done.\nThere are two ways:\n" + OPTIONS + "\nWhich one?", "It is done.", None),
        ("It is done.\nWhich one do you prefer?\n" + OPTIONS, "It is done.", None),
        ("- cart.py\n- tax.py\n\nShall I push?", "- cart.py\n- tax.py", "Shall I push?"),
        ("古いほうを消しました。\n新しいほうも消しますか？", "古いほうを消しました。", "新しいほうも消しますか？"),
        ("Ist es fertig? Ja.\nAlles läuft.\nDie Tests auch.\nIch bin fertig.", None, ""),
        ("Shall I push?\nI can also wait.", "", None),
        (
            "It is done. The cache is faster and the job is simpler. Which one?",
            "It is done.",
            "The cache is faster and the job is simpler. Which one?",
        ),
    ],
)
def test_a_question_at_the_end_is_parted_with_its_options(text: str, body: str | None, question: str | None) -> None:
    expected = text.removeprefix(body or "").strip() if question is None else question

    assert last_words(Conversation().user("Go.").says(text).turn)[:2] == (text if body is None else body, expected)


@pytest.mark.parametrize("ending", [None, TurnEnd(reason="limit"), TurnEnd(reason="interrupted")])
def test_a_question_before_the_last_call_is_found_until_there_is_an_answer(ending: TurnEnd | None) -> None:
    talk = Conversation().user("Go.").says("Shall I delete `old/`?", final=False).calls("make")
    if ending is not None:
        talk.event(ending)

    assert last_words(talk.turn).question == "Shall I delete `old/`?"
    assert last_words(talk.ran("make").says("It is built.").turn)[:2] == ("It is built.", "")


def test_only_the_newest_answer_of_a_session_is_called_its_last_words() -> None:
    talk = worked(says="The vouchers are moved.").user("Which database is it?").says("SQLite, version 3.45.")
    assert "claude-code's last words (turn 2): SQLite" in under("Where it stands", talk)
    assert "claude-code's words after the newest work (turn 1, 2 min earlier): The vouchers" in under(
        "Where it stands", talk
    )

    talk.user("And its size?").says("It has 40 MB.").user("How many rows?").event(TurnEnd(reason="interrupted"))
    assert "last words" not in under("Where it stands", talk)

    thanked = worked(says="The vouchers are moved.").user("Thanks!").says("Gladly.")
    assert "claude-code answered (turn 1, 2 min earlier): The vouchers" in under("Where it stands", thanked)


@pytest.mark.parametrize("answer", ["nein", "2", "both of them", "全部"])
def test_a_short_answer_stands_with_the_question_that_it_answered(answer: str) -> None:
    talk = worked(says="The voucher table is old. Shall I drop it, or export it before?").user(answer)
    talk.edited("tax.py").says("That is settled.")
    shown = f"asked “The voucher table is old. Shall I drop it, or export it before?”: {answer}"
    assert f"rompt (turn 2, 2 min earlier), {shown}" in under("Task", talk)

    for number in range(3):
        talk.user(f"Then write chapter {number} of the manual about it, please.").edited("man.md").says("Written.")
    assert shown in under("What the user said", talk)


def test_a_prompt_beside_one_to_another_agent_does_not_look_like_said_to_that_agent() -> None:
    lead = session("s1").user(GOAL).edited("cart.py").says("Done.")
    aside = session("s2", agent="codex", hours=1).user("Write tests for it.").edited("test_cart.py").says("Written.")
    lead.at_ms += 2 * HOUR_MS
    for file in ("receipt", "voucher"):
        lead.user(f"Now the {file}.").edited(f"{file}.py").says("Done.")

    said = under("What the user said", lead, aside)

    assert "Prompt to codex (turn 1 of s2, " in said
    assert "Write tests for it. | Prompt (turn 2, " in said


def test_a_prompt_that_says_more_or_answers_the_protocol_stands_alone() -> None:
    long = worked(says="Shall I drop it?").user("Keep it until the auditors have seen what is in it.").says("Fine.")
    assert "asked" not in under("Task", long)

    for other in ("/review the page", "Which version is it?"):
        assert "asked" not in under("Task", worked(says="Shall I drop it?").user(other).edited("a.py").says("Fine."))

    resumed = session("s2").user("Where were we?").says(PROTOCOL_QUESTION).user("go ahead").edited("a.py").says("Ok.")
    assert "asked" not in under("Task", resumed)


def test_the_branch_of_earlier_work_is_named_also_when_another_session_leads() -> None:
    early = session("early").event(SessionInfo(branch="vouchers")).user("Add vouchers.").edited("cart.py").says("Done.")
    late = session("late", hours=2).event(SessionInfo(branch="main")).user("Fix a typo.").edited("man.md").says("Done.")
    made = handoff(early, late, facts=Facts(GitFacts(branch="main", head="abc1234")))
    stands = render(made).partition("## Where it stands")[2].partition("\n## ")[0]

    assert "earlier work on branch vouchers (turn 1 of early, 2 h earlier)" in stands
    back = render(handoff(early, late, facts=Facts(GitFacts(branch="vouchers", head="abc"))))
    assert "earlier work on branch" not in back
    assert "was on branch main" in back


def test_a_reply_to_a_list_of_offers_stands_with_its_end() -> None:
    talk = worked(says="Moved.\n\nI could also:\n- drop the table\n- export it").user("yes to all").edited("a.py")
    assert "asked" not in under("Task", talk.says("Both are done."))
    assert ", after “Moved. ¶ I could also: ¶ drop the table ¶ export it”: yes to all" in under("Task", talk)


LOG = "Run vouchercheck\n##[error] step 4\nERROR voucher: wrong number\nERROR voucher: wrong number\nERROR: exit code 1"


def test_a_log_that_was_pasted_and_is_fixed_since_is_no_task() -> None:
    talk = (
        worked().user(LOG).ran("pytest -q", "1 failed in 1s", status="error").edited("a.py").says("vouchercheck ran.")
    )
    for number in range(3):
        talk.user(f"Then page {number}.").edited("man.md").says(f"Page {number} is about vouchercheck.")
    talk.user("Test it.").ran("pytest -q", "9 passed in 1s").edited("man.md").says("It passes vouchercheck.")
    assert "wrong number" not in under("Task", talk)
    assert "wrong number" in under("What the user said", talk)


def test_a_prompt_with_a_value_that_a_newer_one_corrected_is_no_longer_of_the_task() -> None:
    talk = worked().user("Run ./fit.sh --rounds 100 --seed 4 on the vouchers").ran("./fit.sh").says("The vouchers run.")
    talk.user("Run ./fit.sh --rounds 250 --seed 4 on the vouchers").ran("./fit.sh").says("The vouchers run.")
    talk.user("Watch it.").ran("./fit.sh").says("The vouchers run.")

    assert "--rounds 100" not in under("Task", talk)
    assert "--rounds 250" in under("Task", talk)
    assert "(turn 2, 11 min earlier): Run ./fit.sh --rounds 100" in under("What the user said", talk)


def test_the_same_short_reply_to_another_question_is_another_ruling() -> None:
    talk = session("s1").user(GOAL).says("Round up (A) or down (B)?").user("B").says("Cap it (A) or not (B)?")
    talk.user("B").edited("cart.py").says("It is rounded.").user("Now the receipt, please.").edited("receipt.py")
    said = under("What the user said", talk)

    assert "(turn 2" in said
    assert "(turn 3" in said


def test_the_answer_to_a_short_reply_after_the_leading_turn_is_quoted() -> None:
    talk = worked(says="It returns cents.\n\nNext steps:\n1. Move the vouchers\n2. Drop the floats")
    talk.user("thanks").says("Yes, in the first reply.")

    stands = under("Where it stands", talk)
    assert "Since then claude-code said (turn 2" in stands
    assert "Yes, in the first reply." in stands
    assert "Yes, in the first reply." not in under("Progress log", talk)
