from __future__ import annotations

from carryover.distill.facts import FileFacts, GitFacts, Marker
from carryover.distill.handoff import Handoff, distill, wanted_files
from carryover.distill.view import ProjectView, Worktree
from carryover.model import BackgroundTask, FileEdit, PlanItem, PlanUpdate, Question, QueuedPrompt, TurnEnd
from support.conversation import MINUTE_MS, ROOT, START_MS, Conversation, project

LATER_MS = START_MS + 10_000 * MINUTE_MS


def handoff(view: ProjectView, git: GitFacts | None = None, files: dict[str, FileFacts] | None = None) -> Handoff:
    made = distill(view, git, files or {}, resume="ask", now_ms=LATER_MS)
    assert made is not None
    return made


def section(made: Handoff, title: str) -> list[str]:
    return [line.text for part in made.sections if part.title == title for line in part.lines]


def test_a_project_in_which_nothing_was_asked_has_no_handoff() -> None:
    assert distill(project(Conversation().user("hello")), None, {}, resume="ask", now_ms=LATER_MS) is None


def test_the_time_is_that_of_the_last_event_and_never_later_than_now() -> None:
    talk = Conversation().user("Add a discount to the cart").says("Done.")

    assert handoff(project(talk)).updated_ms == talk.at_ms
    early = distill(project(talk), None, {}, resume="ask", now_ms=START_MS)
    assert early is not None
    assert early.updated_ms == START_MS


def test_the_same_view_gives_the_same_handoff() -> None:
    def view() -> ProjectView:
        talk = Conversation().user("Add a discount").edited("cart.py").says("It works. Next I will wire it in.")
        return project(talk, Conversation(session="s2", agent="codex").user("Write the docs for it all"))

    assert handoff(view()) == handoff(view())


def test_a_session_without_a_task_leaves_the_former_task_standing() -> None:
    first = (
        Conversation()
        .user("Add a discount to the cart")
        .says("The function is there. Next I will wire it into checkout.")
    )
    second = Conversation(session="s2", agent="codex", at_ms=first.at_ms + MINUTE_MS).user("continue")
    second.says(
        "You were adding a discount. Do you want to continue from here, or are you starting something different?"
    )
    second.user("yes")

    made = handoff(project(first, second))

    assert section(made, "Task") == ["Add a discount to the cart"]
    assert section(made, "Next action") == ["Next I will wire it into checkout."]
    assert (made.updated_ms, made.agent, made.session) == (first.at_ms, "Claude Code", "s1")


def test_work_done_on_a_yes_counts_for_the_former_task() -> None:
    first = (
        Conversation()
        .user("Add a discount to the cart")
        .says("The function is there. Next I will wire it into checkout.")
    )
    second = Conversation(session="s2", agent="codex", at_ms=first.at_ms + MINUTE_MS).user("continue")
    second.edited("checkout.py").says("Checkout uses the discount. Then the receipt remains.")

    made = handoff(project(first, second))

    assert section(made, "Task") == ["Add a discount to the cart"]
    assert section(made, "Next action") == ["Then the receipt remains."]
    assert section(made, "Recent files") == ["`checkout.py`: edited 1 min before"]
    assert (made.agent, made.updated_ms) == ("Codex", second.at_ms)


def test_the_newest_goal_leads_and_sessions_at_work_beside_it_get_a_line_each() -> None:
    old = Conversation(session="s0").user("Set up the build system")
    one = Conversation(session="s1", at_ms=START_MS + 30 * MINUTE_MS).user("Add a discount to the cart")
    two = Conversation(session="s2", agent="codex", at_ms=one.at_ms).user("Translate the interface into French")
    one.says("Still at it.")

    made = handoff(project(old, one, two))

    assert section(made, "Task") == ["Translate the interface into French"]
    assert section(made, "Also in progress") == ["Claude Code, just before: Add a discount to the cart"]


def test_rulings_and_progress_are_the_projects_across_sessions() -> None:
    first = (
        Conversation().user("Build the cart. Never use floats for money.").edited("cart.py").says("The cart is built.")
    )
    first.user("thanks")
    second = Conversation(session="s2", agent="codex", at_ms=first.at_ms).user(
        "Now write the documentation of the shop"
    )

    made = handoff(project(first, second))

    assert section(made, "Decisions") == ["Never use floats for money."]
    assert section(made, "Progress log") == [
        "2 min before: Build the cart. Never use floats for money. → The cart is built. [edited cart.py]"
    ]


def test_an_unfinished_turn_says_what_was_in_flight() -> None:
    talk = Conversation().user("Train the model on the small data set").calls("python train.py --epochs 200")

    assert section(handoff(project(talk)), "Next action") == [
        "Unfinished: Train the model on the small data set",
        "In flight when it stopped, no result recorded: `python train.py --epochs 200`",
    ]


def test_a_limit_is_named_as_what_stopped_the_work() -> None:
    talk = (
        Conversation()
        .user("Wire the discount into checkout")
        .event(TurnEnd(reason="limit", message="5-hour limit reached"))
    )

    assert section(handoff(project(talk)), "Next action") == [
        "Stopped by its usage limit; unfinished: Wire the discount into checkout"
    ]


def test_what_a_session_at_work_beside_asked_is_open_too() -> None:
    beside = Conversation(session="beside", agent="codex").user("Make the price of an apple two coins")
    leads = Conversation(session="leads", at_ms=beside.at_ms).user("Translate the guide to French")
    beside.edited("prices.py").says("Done. Should a pear cost two coins as well?")

    questions = section(handoff(project(beside, leads)), "Open questions")

    assert questions == ["Codex beside asked: Should a pear cost two coins as well?"]


def test_the_turn_with_which_an_earlier_session_was_left_is_told() -> None:
    """No prompt came after it, so no note was made of it."""
    left = Conversation(session="left", agent="codex").user("Make the price of an apple two coins")
    left.edited("prices.py").says("An apple costs two coins now.")
    leads = Conversation(session="leads", at_ms=left.at_ms).user("Translate the guide to French")

    progress = section(handoff(project(left, leads)), "Progress log")

    assert len(progress) == 1
    assert "Codex: Make the price of an apple two coins → An apple costs two coins now" in progress[0]


def test_whoever_could_go_on_after_a_limit_is_told_to_the_user_until_a_session_goes_on() -> None:
    talk = (
        Conversation()
        .user("Wire the discount into checkout")
        .event(TurnEnd(reason="limit", message="5-hour limit reached ∙ resets 3pm"))
    )
    before = distill(project(talk), None, {}, resume="ask", now_ms=LATER_MS, startable=("claude-code", "codex"))
    other = Conversation(session="s2", agent="codex", at_ms=talk.at_ms)
    other.user("Read .carryover/handoff.md, then go on with the task it describes.")
    after = distill(project(talk, other), None, {}, resume="ask", now_ms=LATER_MS, startable=("claude-code", "codex"))

    assert before is not None and after is not None
    assert section(before, "Next action") == [
        "Stopped by its usage limit; unfinished: Wire the discount into checkout",
        "Claude Code reached its usage limit; it resets 3pm; "
        "for the user: `carryover handoff --to codex` goes on elsewhere",
    ]
    assert (before.limit is not None, after.limit) == (True, None)
    assert section(after, "Task") == ["Wire the discount into checkout"]
    assert section(after, "Next action") == ["Stopped by its usage limit; unfinished: Wire the discount into checkout"]


def test_the_plan_says_what_is_now_and_what_comes_then() -> None:
    items = (PlanItem(text="cart", state="done"), PlanItem(text="checkout", state="active"), PlanItem(text="docs"))
    talk = (
        Conversation().user("Build the shop").event(PlanUpdate(items=items)).says("Working on checkout.", final=False)
    )

    assert section(handoff(project(talk)), "Next action")[-1] == "Plan (1 of 3 done), now: checkout, then: docs"


def test_open_questions_come_from_user_tool_assistant_jobs_tests_and_markers() -> None:
    talk = (
        Conversation()
        .user("Build the shop with a cart")
        .event(Question(call_id="q", text="Which cap?", options=("50", "none")))
    )
    talk.edited("cart.py").ran(
        "pytest -q", "FAILED tests/test_cart.py::test_cap - assert 1 == 2\n1 failed", status="error"
    )
    talk.event(BackgroundTask(task_id="j", state="running", label="deploy")).event(QueuedPrompt(text="and taxes?"))
    facts = {"cart.py": FileFacts(exists=True, markers=(Marker(3, "TODO: round half up"),))}

    asked = section(handoff(project(talk), None, facts), "Open questions")

    assert asked[0] == 'The user asked, not answered yet: "and taxes?"'
    assert asked[1] == "Which cap? Options: 50; none"
    assert asked[2].startswith("Tests fail (2 min before, `pytest -q`)")
    assert asked[3:] == ["Not known yet, still running: deploy", "TODO: round half up (`cart.py` line 3)"]


def test_recent_files_are_relative_newest_first_at_most_ten_and_below_the_root() -> None:
    talk = Conversation().user("Build the shop with many parts")
    for n in range(12):
        talk.edited(f"src/part{n}.py")
    talk.edited("../other/secret.py").edited("src/part0.py")
    facts = {"src/part0.py": FileFacts(exists=True, parses=False, symbol="Part.total")}

    files = section(handoff(project(talk), None, facts), "Recent files")

    assert len(files) == 10
    assert files[:2] == [
        "`src/part0.py` (Part.total): edited just before, does not parse",
        "`src/part11.py`: edited 2 min before",
    ]
    assert [query.path for query in wanted_files(project(talk))][:2] == ["src/part0.py", "src/part11.py"]


def test_git_is_told_in_one_line_and_marked_when_it_is_only_the_last_known() -> None:
    talk = Conversation().user("Build the shop with a cart")
    git = GitFacts(
        branch="main",
        head="abc1234",
        subject="start",
        changed_files=2,
        insertions=40,
        deletions=3,
        untracked=1,
        stale=True,
    )

    assert section(handoff(project(talk), git), "Git context") == [
        'branch main at abc1234 "start"; not committed: 2 changed (+40 -3), 1 untracked '
        "(last known; git did not answer in time)"
    ]


def test_a_main_checkout_names_its_worktrees() -> None:
    talk = Conversation().user("Build the shop with a cart")
    view = project(talk)
    tree = Worktree(root="/home/dev/shop-fix", last_event_ms=talk.at_ms - 5 * MINUTE_MS)

    assert section(handoff(ProjectView(root=ROOT, sessions=view.sessions, worktrees=(tree,))), "Also in progress") == [
        "Worktree /home/dev/shop-fix has its own handoff (5 min before)"
    ]


def test_an_edit_on_its_way_when_the_work_stopped_is_uncertain() -> None:
    talk = Conversation().user("Fix the cart").calls(f"{ROOT}/src/cart.py", op="edit", name="Edit")

    assert section(handoff(project(talk)), "Open questions") == ["Not known whether this edit was made: `src/cart.py`"]


def test_an_edit_that_worked_after_other_failing_tries_is_told_and_a_slip_is_not() -> None:
    talk = Conversation().user("Fix the cart")
    talk.ran(f"{ROOT}/a.py", "no such lines", op="edit", name="Edit", status="error").edited("a.py")
    talk.ran(f"{ROOT}/b.py", "no such lines", op="edit", name="Edit", status="error")
    talk.ran("sedx b.py", "error: bad", status="error").ran("sedx -n b.py", "error: worse", status="error").edited(
        "b.py"
    )

    assert f"Edit {ROOT}/b.py → no such lines (worked in the end)" in section(
        handoff(project(talk)), "Failed approaches"
    )
    assert not any("a.py" in line for line in section(handoff(project(talk)), "Failed approaches"))


def test_a_file_that_was_deleted_and_written_anew_was_not_mended() -> None:
    talk = Conversation().user("Fix the cart")
    talk.ran(f"{ROOT}/a.py", "no such lines", op="edit", name="Edit", status="error")
    talk.event(FileEdit(path=f"{ROOT}/a.py", change="delete")).event(FileEdit(path=f"{ROOT}/a.py", change="add"))
    talk.edited("a.py")

    assert section(handoff(project(talk)), "Failed approaches") == [f"Edit {ROOT}/a.py → no such lines"]


def test_an_answer_by_letters_is_a_decision_and_a_question_passed_by_stays_open() -> None:
    talk = Conversation().user("Bake bread").says("Which one?\n- A: rye\n- B: spelt").user("B")
    asked = Conversation().user("Bake bread").says("Which one?\n- A: rye\n- B: spelt")
    asked.user("What is spelt?").says("An old kind of wheat.")

    assert section(handoff(project(talk)), "Decisions") == ['"B" in answer to: Which one?']
    assert section(handoff(project(asked)), "Open questions") == ["Which one? Options: A: rye; B: spelt"]
