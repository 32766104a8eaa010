"""What a handoff shows of a turn that has no answer yet."""

from __future__ import annotations

import pytest

from carryover import model
from carryover.distill.render import render
from carryover.model import PlanItem, PlanProposal, PlanState, PlanUpdate, Question, ResultStatus, TurnEnd, UserPrompt
from support.conversation import GOAL, ROOT, handoff, session, under, worked


def test_a_file_that_it_read_takes_less_room_than_what_a_sub_agent_reported() -> None:
    talk = worked().user("Find out how the shop is built.")
    report = "\n".join(
        f"Finding {at}: the service {at} owns table {at}, and nothing else writes to it." for at in range(12)
    )
    talk.ran("Explore the services", report, op="agent", name="Task")
    for at in range(8):
        source = "\n".join(f"line {at}.{number} of a long source file that is on the disk" for number in range(60))
        talk.ran(f"{ROOT}/service_{at}.py", source, op="read", name="Read")

    files = under("Recent files", talk)
    assert [at for at in range(12) if f"Finding {at}:" not in files] == []
    assert "line 7.30 of" not in files


def test_a_turn_that_the_user_interrupted_is_told_when_only_a_prompt_followed() -> None:
    talk = worked().user("Move the vouchers.").says("You ask: where do they belong?\nI look.", final=False)
    talk.ran("ls shop").event(TurnEnd(reason="interrupted")).user("Take the ones in tax.py.")

    assert "claude-code's turn 2: interrupted by the user" in under("Where it stands", talk)
    assert "had asked" not in under("Next action", talk), "it went on by itself"


@pytest.mark.parametrize(("others", "said"), [(0, ""), (1, ", 1 turn answered since"), (3, ", 3 turns answered since")])
def test_a_turn_that_was_cut_off_says_how_many_were_answered_since(others: int, said: str) -> None:
    talk = worked().user("Move the vouchers.").calls("make all").event(TurnEnd(reason="interrupted"))
    for at in range(others):
        talk.user(f"How does shelf {at} get its prices?").says(f"From table {at}.")
    talk.user("And the newest shelf?") if not others else None

    stands = under("Where it stands", talk)
    assert f"claude-code's turn 2: interrupted by the user{said}" in stands
    assert ("answered since" in stands) is (others > 0)


@pytest.mark.parametrize("between", [False, True])
def test_a_cut_off_turn_is_left_out_once_its_prompt_was_sent_again_and_answered(between: bool) -> None:
    talk = worked().user("Which shelf has which prices?").calls("make all").event(TurnEnd(reason="interrupted"))
    if between:
        talk.user("What is a shelf?").says("It holds wares.")
    talk.user("Which shelf has which prices?").ran("ls shop", "shelves").says("The upper one has the new ones.")

    stands = under("Where it stands", talk.user("And the vouchers?").says("They are below."))
    assert "interrupted" not in stands and "newest work" not in stands
    assert "They are below." in stands


def test_a_prompt_whose_turn_was_interrupted_says_so() -> None:
    talk = session("s1").user(GOAL).edited("cart.py").says("Done.").user("Run all of them in one go, without a pause.")
    talk.event(TurnEnd(reason="interrupted")).user("Make a shell for that instead.").edited("run.sh").says(
        "There it is."
    )
    talk.user("Thanks. And the receipt?").edited("receipt.py").says("It has a line now.")

    assert ", then interrupted): Run all of them" in under("What the user said", talk)
    talk.user("Once more: run all of them in one go.").event(TurnEnd(reason="interrupted"))
    assert ", then interrupted): Once more" in under("Task", talk)


def test_a_prompt_whose_turn_a_limit_or_an_error_cut_off_says_so() -> None:
    talk = session("s1").user(GOAL).edited("cart.py").says("Done.").user("Make sure that it can't happen again.")
    talk.event(TurnEnd(reason="limit")).user("And the prices of the receipt?").event(TurnEnd(reason="error"))
    talk.user("Move the cart to the new shop.").edited("shop.py").says("It is there.")

    said = under("What the user said", talk)
    assert ", then stopped at a usage limit): Make sure" in said
    assert ", then ended in an error): And the prices" in said


def test_a_turn_before_the_newest_prompt_that_only_has_no_answer_is_not_said_to_be_cut_off() -> None:
    talk = session("s1").user(GOAL).edited("cart.py").user("And in tax.py, please.")

    assert "turn 1:" not in under("Where it stands", talk)


def test_a_newest_prompt_that_nothing_followed_yet_says_so() -> None:
    talk = session("s1").user(GOAL).edited("cart.py").user("And in tax.py, please.")
    assert "Newest prompt (turn 2, no answer recorded): And in tax.py" in under("Task", talk)

    assert "no answer recorded" not in under("Task", talk.edited("tax.py"))
    assert "no answer recorded" not in under("Task", session("s1").user(GOAL).user("And the tax?").says("It is."))
    assert "no answer recorded" not in under("Task", session("s1").user(GOAL).user("And the tax?").calls("make"))


def test_a_newest_prompt_that_brought_a_plan_or_a_question_alone_has_that_answer() -> None:
    """Neither of these has a call in Codex (0.115; 0.171)."""
    plan = PlanProposal(call_id="p", text="1. The rate.\n2. The tax.")
    question = Question(call_id="", text="Which rate?")
    for body in (plan, question):
        talk = session("s1", agent="codex").user(GOAL).edited("cart.py").user("And in tax.py?").event(body)
        assert "no answer recorded" not in under("Task", talk)
        assert "no answer recorded" in under("Task", talk.user("Well?"))


def test_a_prompt_in_whose_midst_another_session_was_killed_says_so() -> None:
    """It waited in a command when the user began other work beside it, and wrote no more."""
    killed = session("s1").user(GOAL).edited("cart.py").calls("make test")
    beside = session("s2", hours=1).user("Write the notes.").edited("notes.md").says("They are written.")
    (prompt,) = [line for line in under("Task", killed, beside).splitlines() if GOAL in line]
    assert ", no answer recorded): " in prompt

    answered = under("Task", killed.says("It is in cents."), beside)
    assert GOAL in answered and "no answer recorded" not in answered


def test_how_far_another_sessions_turn_came_is_told_once() -> None:
    killed = session("s1").user(GOAL).edited("cart.py").calls("make test")
    asked = session("s2", hours=1).user("What is left?").says("The test.")
    told = [under(title, killed, asked) for title in ("Where it stands", "Task", "What the user said")]

    assert [text.count("no answer recorded") for text in told] == [1, 0, 0]


def test_of_prompts_that_only_brought_errors_the_request_is_the_task() -> None:
    talk = worked().user("Show me step by step how the receipt gets its key.").event(TurnEnd(reason="error"))
    talk.user("hello?").event(TurnEnd(reason="error", message="No answer from the model.")).user("yo")

    task = under("Task", talk)
    assert "Newest task (turn 2, 4 min earlier, then ended in an error): Show me step by step" in task
    assert "(turn 4, no answer recorded): yo" in task


def test_a_todo_list_grows_stale_by_answers_not_by_prompts_without_one() -> None:
    def listed(*ends: str) -> str:
        talk = session("s1").user(GOAL).edited("cart.py")
        talk.event(
            PlanUpdate(items=(PlanItem(text="cents", state="done"), PlanItem(text="the receipt", state="pending")))
        )
        talk.says("The discount is in cents.")
        for number, end in enumerate(ends):
            talk.user(f"And the prices of shelf {number}?")
            talk.event(TurnEnd(reason="error")) if end == "error" else talk.says(f"Shelf {number} has its prices.")
        return under("Next action", talk)

    assert listed("answer", "answer").startswith(
        "claude-code's todo list (1 of 2 done, 5 min earlier, 2 answers since)"
    )
    assert listed("error", "error").startswith(
        "claude-code's todo list (1 of 2 done, 5 min earlier, before the newest prompt): open: the receipt"
    )
    assert listed().startswith("claude-code's todo list (1 of 2 done, 1 min earlier): open: the receipt")
    assert "todo list" not in listed(*["answer"] * 10)


def test_a_todo_list_grows_stale_by_the_answers_of_later_sessions_too() -> None:
    items = (PlanItem(text="cents", state="done"), PlanItem(text="the receipt", state="pending"))
    talk = session("s1").user(GOAL).edited("cart.py").event(PlanUpdate(items=items)).says("The discount is in cents.")
    later = session("s2", hours=1).user("Label the shelves.").edited("shelf.py").says("They have labels.")
    later.user("In two languages.").edited("shelf.py").says("In two.")

    assert "todo list (1 of 2 done, 63 min earlier, 2 answers since)" in under("Next action", talk, later)
    [entries] = [one.entries for one in handoff(talk, later).sections if one.title == "Next action"]
    assert [entry.rank for entry in entries] == [None]


@pytest.mark.parametrize(
    ("files", "ends", "prompt", "is_listed"),
    [(2, True, "", False), (1, True, "", True), (2, False, "", True), (2, True, "Now the labels.", True)],
)
def test_a_todo_list_is_left_once_its_turn_edited_as_many_files_as_are_open_and_was_answered(
    files: int, ends: bool, prompt: str, is_listed: bool
) -> None:
    """What a later turn edits may be something else."""
    items = (PlanItem(text="cents", state="done"), PlanItem(text="the tax", state="active"), PlanItem(text="the rest"))
    talk = session("s1").user(GOAL).event(PlanUpdate(items=items))
    if prompt:
        talk.says("The tax is next.").user(prompt)
    for number in range(files):
        talk.edited(f"part{number}.py")
    talk.says("It is in cents.", final=ends)

    assert ("the tax" in under("Next action", talk)) is is_listed


@pytest.mark.parametrize(
    ("last", "ends", "is_listed"), [("active", True, False), ("pending", True, True), ("active", False, True)]
)
def test_the_last_item_of_a_todo_list_was_in_progress_until_the_answer_that_it_was(
    last: PlanState, ends: bool, is_listed: bool
) -> None:
    items = (PlanItem(text="cents", state="done"), PlanItem(text="a report", state=last))
    talk = session("s1").user(GOAL).event(PlanUpdate(items=items)).says("All is in cents now.", final=ends)

    assert ("a report" in under("Next action", talk)) is is_listed


def test_a_todo_list_that_is_done_is_not_followed_by_an_older_one() -> None:
    older = (PlanItem(text="cents", state="done"), PlanItem(text="the receipt"))
    talks = [
        session(f"s{hours}", hours=hours).user(GOAL).event(PlanUpdate(items=items)).says("So far.")
        for hours, items in enumerate((older, older[:1]))
    ]
    last = session("s2", hours=2).user("Label the shelves.").edited("shelf.py").says("They have labels.")

    assert "the receipt" in under("Next action", talks[0], last)
    assert "the receipt" not in under("Next action", *talks, last)


def test_a_todo_list_is_left_once_ten_turns_have_words_though_no_end_of_a_turn_is_recorded() -> None:
    def listed(turns: int) -> str:
        talk = session("s1").user(GOAL)
        talk.event(
            PlanUpdate(items=(PlanItem(text="cents", state="done"), PlanItem(text="the receipt", state="pending")))
        )
        for number in range(turns):
            talk.user(f"And the prices of shelf {number}?").says(f"Shelf {number} has its prices.", final=False)
        return under("Next action", talk)

    assert "open: the receipt" in listed(9)
    assert "todo list" not in listed(10)


def test_what_a_model_thinks_between_tags_is_not_what_it_said() -> None:
    talk = session("s1").user(GOAL).says("<think>\nThe user wants cents.\nI look at the cart.", final=False)
    talk.edited("cart.py").says("</think>\n\nThe discount is in cents, without a `<think>` tag.")
    talk.user("And the receipt?").says("<think>\nShort.\n</think>\n\nIt has them too.").user("Thanks.")

    said = render(handoff(talk))
    assert "The discount is in cents, without a `‹think>` tag." in said
    assert "It has them too." in under("Where it stands", talk)
    assert [thought for thought in ("wants cents", "Short.", "/think>") if thought in said] == []


def test_a_prompt_after_a_question_is_not_said_to_answer_it() -> None:
    talk = worked(says="It is in cents.\n\nShall the receipt have it too?").user("Open the cart once more.")

    assert under("Next action", talk) == "claude-code had asked right before turn 2: Shall the receipt have it too?"


def test_the_question_before_a_prompt_stays_while_that_prompt_is_worked_on() -> None:
    asked = "Keep the check, or drop it (the shop had none)?"
    talk = worked(says=f"Two tests contradict each other.\n\n{asked}")
    talk.user("Find out how two agents could write them, and how to prevent it.")

    assert asked in under("Next action", talk.calls("git log"))
    assert asked not in under("Next action", talk.says("Neither knew of the other."))
    ruled = worked(says=f"Two tests contradict each other.\n\n{asked}").user("Keep it, with a note on whom it is for.")
    assert asked in under("Next action", ruled) and asked not in under("Next action", ruled.edited("cart.py"))
    command = worked(says=f"Two tests contradict each other.\n\n{asked}").user("/release the shop").calls("git log")
    assert asked not in under("Next action", command)
    long = worked(says=f"Two tests contradict each other.\n\n{asked}").user("Move the shop to cents. " * 20)
    assert asked not in under("Next action", long) and asked not in under("Next action", long.calls("git log"))
    agreed = worked(says=f"Two tests contradict each other.\n\n{asked}").user("ok")
    assert asked in under("Next action", agreed)
    assert asked not in under("Next action", agreed.says("Thanks. It is dropped as soon as you say so."))
    short = worked(says=f"Two tests contradict each other.\n\n{asked}").user("drop it").calls("git log")
    assert asked not in under("Next action", short) and asked in under("Task", short)


def test_the_prompt_of_a_turn_that_was_cut_off_is_the_task_if_the_next_one_did_not_begin() -> None:
    talk = worked().user("Print the receipts:\nprinter: 7\ntray: 2\nink: low").calls("lpstat")
    talk.event(TurnEnd(reason="interrupted")).user("It is urgent.").event(TurnEnd(reason="interrupted"))

    assert "printer: 7" in under("Task", talk)
    assert "printer: 7" not in under("What the user said", talk)
    talk.user("It is urgent.").says("They are printed.")
    assert "printer: 7" not in under("Task", talk)


def test_what_is_typed_into_the_turn_of_a_template_is_the_task_in_full() -> None:
    form = "\n## User Input\n```text\n\n```\n## Outline\n" + "Check what the template says.\n" * 60
    spec = "Build a shop. " + " ".join(f"Page {at} shows the wares of shelf {at} with prices." for at in range(12))
    template = session("s1").event(UserPrompt(text=form, stored=True)).calls("ls")
    plain = session("s2").user(GOAL).calls("ls")
    told = [under("Task", talk.event(UserPrompt(text=spec, in_turn=True))) for talk in (template, plain)]

    assert ["shelf 6 with prices" in task for task in told] == [True, False]


@pytest.mark.parametrize(
    ("command", "answered", "is_fixed"),
    [("python rate.py", False, True), ("python rate.py", True, False), ("wc rates.csv", False, False)],
)
def test_what_the_last_call_of_a_turn_without_an_answer_printed_stays(
    command: str, answered: bool, is_fixed: bool
) -> None:
    """It is the state that the turn was left in; what it only looked at can be looked at again."""
    talk = session("s1").user("Rate the shops.").ran("make all", "built").ran(command, "Rated 183 of 190 shops.")
    if answered:
        talk.says("They are rated.")
    entries = [entry for part in handoff(talk).sections for entry in part.entries]
    (line,) = [one for entry in entries for one in entry.sources if "183 of 190" in one.text]

    assert (line.rank is not None) is is_fixed


def test_what_was_said_again_and_again_does_not_displace_what_was_said_once() -> None:
    talk = session("s1").user(GOAL).says("619 of 700 prices are fetched.", final=False).calls("fetch")
    for _ in range(9):
        talk.says("Waiting.", final=False).calls("fetch")

    stands = under("Where it stands", talk)
    assert "619 of 700" in stands and stands.count("Waiting.") == 1


def test_a_list_of_which_nothing_was_ticked_while_its_files_were_edited_is_no_next_step() -> None:
    """Codex 0.105 may write a list once, never update it, and say at the end that all is done."""
    items = tuple(PlanItem(text=text, state="pending") for text in ("cents", "the receipt"))
    talk = session("s1").user("Do both.").event(PlanUpdate(items=items)).edited("cart.py").says("Cents are done.")
    assert "open: the receipt" in under("Next action", talk)

    talk.ran("make receipt").edited("receipt.py")
    assert "open: the receipt" in under("Next action", talk)
    talk.says("Both are done.")
    assert "the receipt" not in under("Next action", talk)
    assert "the receipt" not in under("Next action", talk.user("The page is blank."))


def test_what_was_proposed_before_a_model_stopped_answering_stays() -> None:
    """Users try a few words on a model that fails, again and again, before they take another agent (Cline)."""
    talk = session("s1").user("Why is the export empty?").ran("cat export.log").says("The log of export.py is empty.")
    talk.user("It has a second account.").says("Then give the second account a key of its own. Shall I?")
    for words in ("I can't make a key.", "hello", "are you there"):
        talk.user(words).event(TurnEnd(reason="error", message="request failed with status 400"))
    entries = [entry for part in handoff(talk).sections for entry in part.entries]
    is_fixed = next(entry.rank is not None for entry in entries if "give the second account" in entry.text)

    assert is_fixed


def test_what_an_agent_asked_itself_before_a_call_is_no_question() -> None:
    talk = session("s1").user(GOAL).says("Does the cart round, or the receipt?", final=False)
    assert "Does the cart round" in under("Open questions", talk)

    assert under("Open questions", talk.calls("grep -rn round src")) == ""
    assert "Does the cart round" in under("Where it stands", talk)


@pytest.mark.parametrize(("status", "is_open"), [("ok", False), ("error", False), ("denied", True)])
def test_a_question_is_the_agents_own_if_a_call_ran_after_it(status: ResultStatus, is_open: bool) -> None:
    talk = session("s1").user(GOAL).says("Does the cart round, or the receipt?", final=False)

    assert ("Does the cart" in under("Open questions", talk.ran("grep -rn round src", status=status))) is is_open


def test_a_question_is_the_agents_own_if_it_said_more_after_it_in_a_turn_that_runs() -> None:
    talk = session("s1").user(GOAL).says("Does the cart round, or the receipt?", final=False).edited("cart.py")
    talk.says("It is the cart. I make it round up.", final=False)

    assert under("Open questions", talk) == ""


def test_a_call_in_flight_is_shown_with_its_tool_unless_it_is_a_command() -> None:
    talk = session("s1").user(GOAL).says("I look.", final=False)
    talk.calls("SELECT 1", op="other", name="query").calls("make all")

    assert "`query SELECT 1`" in (stands := under("Where it stands", talk))
    assert "`make all`" in stands


@pytest.mark.parametrize("looked", [False, True])
def test_of_a_prompt_that_was_stopped_the_answer_before_stays_even_if_it_only_talked(looked: bool) -> None:
    talk = worked(says="The rates are in.").user("They show nothing on the server.")
    talk.says("Run `ls -l rates` there, and paste what it prints.").user("-rw-r--r-- 1 kim kim 0 rates.csv")
    talk = talk.ran("ls") if looked else talk
    talk.event(TurnEnd(reason="interrupted"))
    entries = [entry for part in handoff(talk).sections for entry in part.entries]
    (line,) = [one for entry in entries for one in entry.sources if "ls -l rates" in one.text]

    assert line.rank is not None


@pytest.mark.parametrize("taken", [False, True])
def test_words_that_a_compaction_did_not_know_of_came_since_its_summary(taken: bool) -> None:
    parts = (model.SummaryPart("next", "Next Step", "Add the second worker."),)
    talk = session("s1").user(GOAL).edited("cart.py").event(model.QueuedPrompt(text="No second worker, please."))
    talk.event(model.AgentSummary(text="x", source="compaction", parts=parts))
    if taken:
        talk.event(model.UserPrompt(text="No second worker, please.", in_turn=True))

    assert "“Next Step” (turn 1, 1 prompt since)" in under("From the agent's own summary", talk)


def test_of_a_turn_without_an_answer_what_was_found_before_the_last_words_is_fixed() -> None:
    found = (
        "The shop is built with another tool than the prompt says, and its key is read once when it starts, so that "
        "what a test sets later is never seen by it. I write the parts for that tool."
    )
    leads = (
        "I will now read the page of the shop, the page of the till, and the page of the stock, to see how each of "
        "them is made and what of that can be taken over into the new page with the key, and then begin with the first."
    )
    talk = worked().user("Give the shop a key.")
    for words in ("I look at how it is built.", found, leads, "Now the page."):
        talk.says(words, final=False).ran("ls shop")

    [stands] = [one.entries for one in handoff(talk).sections if one.title == "Where it stands"]
    fixed = " ".join(line.text for one in stands for line in one.sources if line.rank is not None)
    assert "another tool" in fixed and "Now the page." in fixed
    assert "page of the till" not in fixed and "how it is built." not in fixed
