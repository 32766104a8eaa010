from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.distill.handoff import Handoff, distill, has_task, wanted_files
from carryover.distill.view import ProjectView, Worktree
from carryover.facts import FileFacts, GitFacts, Marker
from carryover.model import BackgroundTask, FileEdit, PlanItem, PlanUpdate, Question, QueuedPrompt, TurnEnd
from support.conversation import MINUTE_MS, ROOT, START_MS, Conversation, project

NAMES = {"claude-code": "Claude Code", "codex": "Codex"}
LATER_MS = START_MS + 10_000 * MINUTE_MS
GATE = (
    "You were adding a discount to the cart; next is wiring it into checkout.\n\n"
    "Do you want to continue from here, or are you starting something different?"
)


def handoff(
    view: ProjectView, git: GitFacts | None = None, files: dict[str, FileFacts] | None = None, own: str | None = None
) -> Handoff:
    made = distill(view, git, files or {}, resume="ask", now_ms=LATER_MS, own=own, agent_names=NAMES)
    assert made is not None
    return made


def section(made: Handoff, title: str) -> list[str]:
    return [line.text for part in made.sections if part.title == title for line in part.lines]


def discount(*, session: str = "s1") -> Conversation:
    """A session that was left after a first step."""
    talk = Conversation(session=session).user("Add a discount to the cart").edited("cart.py")
    return talk.says("The function is there. Next I will wire it into checkout.")


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(project(), id="no session"),
        pytest.param(project(Conversation()), id="no prompt"),
        pytest.param(project(Conversation().user("hello")), id="a greeting"),
        pytest.param(project(Conversation().user("let's start").says(GATE).user("yes, continue")), id="the protocol"),
        pytest.param(project(Conversation().user("# [CARRYOVER] Last updated 2026-11-20T06:00:00Z")), id="a handoff"),
    ],
)
def test_a_project_in_which_nothing_was_asked_has_no_handoff(view: ProjectView) -> None:
    assert distill(view, None, {}, resume="ask", now_ms=LATER_MS) is None
    assert not has_task(view)


def test_the_time_is_that_of_the_last_event_and_never_later_than_now() -> None:
    talk = discount()

    assert has_task(project(talk))
    assert handoff(project(talk)).updated_ms == talk.at_ms
    early = distill(project(talk), None, {}, resume="ask", now_ms=START_MS)
    assert early is not None
    assert early.updated_ms == START_MS


def test_the_same_view_gives_the_same_handoff() -> None:
    def view() -> ProjectView:
        return project(discount(), Conversation(session="s2", agent="codex").user("Write the docs for it all"))

    assert handoff(view()) == handoff(view())


def test_a_session_that_only_asked_whether_to_go_on_leaves_all_as_it_was() -> None:
    first = discount()
    second = Conversation(session="s2", agent="codex", at_ms=first.at_ms + MINUTE_MS)
    second.user("continue").says(GATE).user("yes")

    made = handoff(project(first, second))

    assert section(made, "Task") == ["Add a discount to the cart"]
    assert section(made, "Next action") == ["Next I will wire it into checkout."]
    assert (made.updated_ms, made.agent, made.session) == (first.at_ms, "Claude Code", "s1")


def test_work_done_on_a_yes_counts_for_the_former_task() -> None:
    first = discount()
    second = Conversation(session="s2", agent="codex", at_ms=first.at_ms + MINUTE_MS).user("continue")
    second.edited("checkout.py").says("Checkout uses the discount. Then the receipt remains.")

    made = handoff(project(first, second))

    assert section(made, "Task") == [
        "Add a discount to the cart",
        "Agreed to: Next I will wire it into checkout.",
    ]
    assert section(made, "Next action") == ["Then the receipt remains."]
    assert section(made, "Recent files") == ["`checkout.py`: edited 1 min before", "`cart.py`: edited 5 min before"]
    assert (made.agent, made.updated_ms) == ("Codex", second.at_ms)


def test_a_correction_after_an_interruption_keeps_the_task() -> None:
    talk = Conversation().user("Train the model for 100 epochs").event(TurnEnd(reason="interrupted"))
    talk.user("use 200 epochs and the small data set")

    made = handoff(project(talk))
    assert section(made, "Task") == [
        "Train the model for 100 epochs",
        "Now: use 200 epochs and the small data set",
    ]
    assert section(made, "Open questions") == []

    worked = handoff(project(talk.edited("train.py").says("It uses 200 epochs.")))
    assert section(worked, "Task") == [
        "Train the model for 100 epochs",
        "Then: use 200 epochs and the small data set",
    ]
    assert section(worked, "Open questions") == []


def test_the_newest_goal_leads_and_sessions_at_work_beside_it_get_a_line_each() -> None:
    old = Conversation(session="s0").user("Set up the build system").edited("build.toml").says("It is set up.")
    one = Conversation(session="s1", at_ms=START_MS + 30 * MINUTE_MS).user("Add a discount to the cart")
    two = Conversation(session="s2", agent="codex", at_ms=one.at_ms).user("Translate the interface into French")
    one.edited("cart.py").says("Still at it. Next is the receipt.")
    two.edited("fr.po")

    made = handoff(project(old, one, two))

    assert section(made, "Task") == ["Translate the interface into French"]
    assert section(made, "Also in progress") == [
        "Claude Code, just before: Add a discount to the cart (next was: Next is the receipt.)",
    ]
    assert made.agent == "Codex"


def test_a_session_may_ask_for_its_own_line() -> None:
    one = discount(session="s1")
    two = Conversation(session="s2", agent="codex", at_ms=one.at_ms)
    two.user("Translate the whole guide in `guide.md` into French, with its pictures").edited("guide.md").says("Done.")

    made = handoff(project(one, two), own="s1")

    assert section(handoff(project(one, two)), "Task")[0] == (
        "Translate the whole guide in `guide.md` into French, with its pictures"
    )
    assert section(made, "Task") == ["Add a discount to the cart"]
    assert (made.session, made.updated_ms) == ("s1", one.at_ms)
    assert handoff(project(one, two), own="unknown") == handoff(project(one, two))


def test_rules_and_progress_are_the_projects_across_sessions() -> None:
    first = Conversation().user("Build the cart. Never use floats for money.").edited("cart.py").says("It is built.")
    first.user("thanks").says("You're welcome.")
    second = Conversation(session="s2", agent="codex", at_ms=first.at_ms)
    second.user("New task: write the documentation of the whole shop in `docs/shop.md`, with a page for each part")

    made = handoff(project(first, second))

    assert section(made, "Task") == [
        "New task: write the documentation of the whole shop in `docs/shop.md`, with a page for each part"
    ]
    assert section(made, "Decisions") == ["Never use floats for money."]
    assert section(made, "Progress log") == [
        "just before, Codex: New task: write the documentation of the whole shop in `docs/shop.md`, with a page for "
        "each part → not finished",
        "3 min before: Build the cart. Never use floats for money. → It is built. [edited cart.py]",
    ]


def test_how_the_tests_are_run_comes_before_the_steps() -> None:
    talk = discount().ran("pytest -q", "3 passed in 0.1s").says("They pass.")

    assert section(handoff(project(talk)), "Progress log") == [
        "1 min before: tests pass with `pytest -q` (3 passed)",
        "just before, Claude Code: Add a discount to the cart → They pass. [edited cart.py; tests pass]",
    ]


def test_what_a_session_at_work_beside_asked_is_open_once() -> None:
    beside = Conversation(session="beside", agent="codex").user("Make the price of an apple two coins")
    leads = Conversation(session="leads", at_ms=beside.at_ms)
    leads.user("New task: translate the whole guide in `guide.md` into French, with all its pictures and tables")
    beside.edited("prices.py").says("Done. Should a pear cost two coins as well?")

    made = handoff(project(beside, leads))

    assert section(made, "Task")[0].startswith("New task: translate")
    assert section(made, "Open questions") == ["Codex beside asked: Should a pear cost two coins as well?"]


def test_a_limit_is_reported_with_who_could_continue_until_a_session_continues() -> None:
    talk = (
        Conversation()
        .user("Wire the discount into checkout")
        .event(TurnEnd(reason="limit", message="5-hour limit reached ∙ resets 3pm"))
    )
    startable = ("claude-code", "codex")
    before = distill(project(talk), None, {}, resume="ask", now_ms=LATER_MS, startable=startable, agent_names=NAMES)
    other = Conversation(session="s2", agent="codex", at_ms=talk.at_ms)
    other.user("Read .carryover/handoff.md, then go on with the task it describes.")
    after = distill(
        project(talk, other), None, {}, resume="ask", now_ms=LATER_MS, startable=startable, agent_names=NAMES
    )

    assert before is not None and after is not None
    assert section(before, "Next action") == [
        "Stopped by its usage limit. Begin: Wire the discount into checkout",
        "Claude Code reached its usage limit; it resets 3pm; "
        "for the user: `carryover handoff --to codex` goes on elsewhere",
    ]
    assert (before.limit is not None, after.limit) == (True, None)
    assert section(after, "Task") == ["Wire the discount into checkout"]
    assert section(after, "Next action") == ["Stopped by its usage limit. Begin: Wire the discount into checkout"]


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

    assert section(handoff(project(talk), None, facts), "Open questions") == [
        'The user asked, not answered yet: "and taxes?"',
        "Which cap? Options: 50; none",
        "Tests fail (2 min before, `pytest -q`) tests/test_cart.py::test_cap: assert 1 == 2",
        "Not known yet, still running: deploy",
        "TODO: round half up (`cart.py` line 3)",
    ]


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


def test_the_probe_is_asked_for_the_files_that_would_be_reported_but_for_deleted_ones() -> None:
    talk = Conversation().user("Build the shop with many parts").edited("a.py", line=3).edited("b.py")
    talk.event(FileEdit(path=f"{ROOT}/c.py", change="delete"))

    assert [(query.path, query.line) for query in wanted_files(project(talk))] == [("b.py", None), ("a.py", 3)]


def test_what_git_says_is_the_last_section() -> None:
    made = handoff(project(discount()), GitFacts(branch="main", head="abc1234", subject="start"))

    assert made.head == "abc1234"
    assert (made.sections[-1].title, section(made, "Git context")) == (
        "Git context",
        ['branch main at abc1234 "start"; nothing uncommitted'],
    )


def test_a_main_checkout_names_its_worktrees() -> None:
    talk = discount()
    tree = Worktree(root="/home/dev/shop-fix", last_event_ms=talk.at_ms - 5 * MINUTE_MS)
    view = ProjectView(root=ROOT, sessions=project(talk).sessions, worktrees=(tree,))

    assert section(handoff(view), "Also in progress") == [
        "Worktree /home/dev/shop-fix has its own handoff (5 min before)"
    ]


def test_an_edit_that_worked_after_other_failing_tries_is_reported_and_a_slip_is_not() -> None:
    talk = Conversation().user("Fix the cart")
    talk.ran(f"{ROOT}/a.py", "no such lines", op="edit", name="Edit", status="error").edited("a.py")
    talk.ran(f"{ROOT}/b.py", "no such place", op="edit", name="Edit", status="error")
    talk.ran("sedx b.py", "error: bad", status="error").ran("sedx -n b.py", "error: worse", status="error")
    talk.edited("b.py")

    assert section(handoff(project(talk)), "Failed approaches") == [
        "`sedx -n b.py` → error: worse",
        "`sedx b.py` → error: bad",
        f"Edit {ROOT}/b.py → no such place (worked in the end)",
    ]


def test_a_file_that_was_deleted_and_written_again_was_not_mended() -> None:
    talk = Conversation().user("Fix the cart")
    talk.ran(f"{ROOT}/a.py", "no such lines", op="edit", name="Edit", status="error")
    talk.event(FileEdit(path=f"{ROOT}/a.py", change="delete")).event(FileEdit(path=f"{ROOT}/a.py", change="add"))
    talk.edited("a.py")

    assert section(handoff(project(talk)), "Failed approaches") == [f"Edit {ROOT}/a.py → no such lines"]


def test_an_answer_by_letters_is_a_decision() -> None:
    talk = Conversation().user("Bake some bread").says("Which one?\n- rye\n- spelt").user("B")

    made = handoff(project(talk))

    assert section(made, "Task") == ["Bake some bread", 'Answered "B (spelt)" to: Which one?']
    assert section(made, "Decisions") == ["Which one? → B (spelt)"]
    assert section(made, "Open questions") == []


def test_what_one_section_says_is_no_finding() -> None:
    talk = Conversation().user("Find out why the burner stops").edited("burner.py")
    talk.says(
        "Steam was too slow because `SteamOven` has one tray.\nThe burner stops because `sensor.py` reads pin 12.\n"
        "Next I will look into the cause in `valve.py`."
    )

    made = handoff(project(talk))

    assert section(made, "Failed approaches") == ["Steam was too slow because `SteamOven` has one tray."]
    assert section(made, "Next action") == ["Next I will look into the cause in `valve.py`."]
    assert section(made, "Findings") == ["The burner stops because `sensor.py` reads pin 12."]


# ---- where every line comes from


def busy() -> ProjectView:
    """A project with something to say in every section."""
    beside = Conversation(session="s0", agent="codex").user("Make the price of an apple two coins in `prices.py`")
    beside.edited("prices.py").ran("pytest -q", "2 passed in 1s").says(
        "Done. Next is the plum. Should a pear cost two coins as well?"
    )
    talk = Conversation(session="s1", at_ms=beside.at_ms)
    talk.user("New task: build an oven in `oven.py`, with a door and a bell. Never open the door while it heats.")
    talk.event(PlanUpdate(items=(PlanItem(text="door", state="active"), PlanItem(text="bell"))))
    talk.ran("make oven", "error: no bricks", status="error").says("Then by hand.", final=False).edited("oven.py")
    talk.says(
        "The oven stops because `sensor.py` reads pin 12.\nSteam was too slow for `Tray`.\n"
        "The valve is not tested yet.\nNext I will hang the door.\n\n"
        "Which colour should the door in `oven.py` have?\n- red\n- blue"
    )
    talk.user("A").edited("door.py").says("It is red. Next I will fit the bell. Shall the bell ring twice?")
    talk.user("Paint the bell of `oven.py` green as well, please, and the handle too.").calls("make paint")
    talk.event(BackgroundTask(task_id="j", state="running", label="deploy")).event(QueuedPrompt(text="and the roof?"))
    talk.event(TurnEnd(reason="limit", message="limit reached, resets 3pm"))
    view = project(beside, talk)
    tree = Worktree(root="/home/dev/shop-fix", last_event_ms=START_MS)
    return ProjectView(root=ROOT, sessions=view.sessions, notes=view.notes, worktrees=(tree,))


TITLES = [
    "Task", "Also in progress", "Progress log", "Decisions", "Findings", "Recent files",
    "Failed approaches", "Open questions", "Next action", "Git context",
]  # fmt: skip
OF_NO_TURN = {
    "worktree of the repository", "order or ban meant to last", "newest edit", "note in a file", "usage limit", "git",
    "nothing was announced", "the agent's note for a user who was away",
}  # fmt: skip
"""Rules whose lines come from the project, the files or the context rather than from one turn."""
FROM_A_NOTE = "turn that came to something"
"""A note of an earlier turn does not say which one it was."""


def test_every_line_of_a_handoff_says_which_rule_chose_it_and_which_turn_it_is_from() -> None:
    facts = {"oven.py": FileFacts(exists=True, markers=(Marker(3, "TODO: hinge"),))}
    made = handoff(busy(), GitFacts(branch="main", head="abc1234", subject="start"), facts)
    entries = [line.entry for part in made.sections for line in part.lines]

    assert [part.title for part in made.sections] == TITLES
    assert ("newest test run", "s0", 1) in [(entry.rule, entry.session, entry.turn) for entry in entries]
    assert [entry for entry in entries if not (entry.text and entry.rule)] == []
    from_turns = [entry for entry in entries if entry.rule not in (*OF_NO_TURN, FROM_A_NOTE) or entry.turn]
    assert [entry for entry in from_turns if not (entry.turn and entry.session)] == []
    assert {entry.session for entry in from_turns} == {"s0", "s1"}
    assert [entry for entry in entries if entry.rule in OF_NO_TURN and (entry.turn or entry.session)] == []
    assert [(entry.session, entry.turn) for entry in entries if entry.rule == FROM_A_NOTE] == [
        ("s1", 3),
        ("", 0),
        ("", 0),
        ("s0", 1),
    ]


def test_when_room_is_short_the_later_lines_of_a_section_go_first_and_task_and_next_action_never() -> None:
    ranks = {part.title: [line.rank for line in part.lines] for part in handoff(busy()).sections}

    assert ranks["Task"] == [0, 0]
    assert ranks["Next action"] == [0, 0, 0, 1]
    for title in ("Also in progress", "Progress log", "Recent files", "Failed approaches"):
        assert ranks[title] == sorted(set(ranks[title])), title
    # The fourth unchecked thing gives way to the first that the assistant left open.
    assert ranks["Open questions"] == [5, 7, 9, 11, 10]


WORDS = st.sampled_from(
    [
        "Build the cart in `cart.py`, and never use floats for money.",
        "New task: translate the whole guide in `guide.md` into French, with all of its pictures and tables.",
        "yes", "B", "continue", "why?", "make it red", "Собери меню, но не трогай кассу.", "KeyError: 'door'",
    ]
)  # fmt: skip
ANSWERS = st.sampled_from(
    [
        "It is built. Next I will wire the till.",
        "Which flour shall I take?\n1. rye\n2. spelt",
        "Steam was too slow for `Tray`. The valve is not tested yet.",
        "The oven stops because `sensor.py` reads pin 12.",
        GATE,
    ]
)
STEPS = st.one_of(
    st.tuples(st.just("user"), WORDS),
    st.tuples(st.just("says"), ANSWERS),
    st.tuples(st.just("edited"), st.sampled_from(["cart.py", "till.py"])),
    st.tuples(st.just("calls"), st.sampled_from(["make", "ls", "git push"])),
    st.tuples(st.just("failed"), st.sampled_from(["make", "npm run x"])),
    st.tuples(st.just("cut"), st.sampled_from(["limit", "interrupted", "error"])),
)


def played(steps: list[tuple[str, str]], session: str) -> Conversation:
    talk = Conversation(session=session, agent="codex" if session == "s2" else "claude-code")
    for kind, text in steps:
        if kind == "failed":
            talk.ran(text, "Error: no such bucket", status="error")
        elif kind == "cut":
            talk.event(TurnEnd(reason=text, message="resets 3pm"))  # type: ignore[arg-type]
        else:
            getattr(talk, kind)(text)
    return talk


@settings(max_examples=150, deadline=None)
@given(one=st.lists(STEPS, max_size=14), two=st.lists(STEPS, max_size=14))
def test_any_two_sessions_hand_over_lines_with_a_rule_and_their_turn(
    one: list[tuple[str, str]], two: list[tuple[str, str]]
) -> None:
    view = project(played([("user", "hello"), *one], "s1"), played([("user", "hello"), *two], "s2"))
    made = distill(view, None, {}, resume="ask", now_ms=LATER_MS)

    assert (made is not None) == has_task(view)
    if made is None:
        return
    assert all(section(made, title) for title in ("Task", "Next action"))
    for entry in (line.entry for part in made.sections for line in part.lines):
        assert entry.text and entry.rule
        assert entry.rule in (*OF_NO_TURN, FROM_A_NOTE) or (entry.turn > 0 and entry.session in ("s1", "s2")), entry
