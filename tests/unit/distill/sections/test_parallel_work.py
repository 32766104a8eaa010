from __future__ import annotations

from carryover.distill.sections.entry import Entry
from carryover.distill.sections.parallel_work import parallel_work_entries
from carryover.distill.view import ProjectView, Worktree
from carryover.distill.work.state import Item, Line
from support.conversation import MINUTE_MS, ROOT, START_MS, Conversation, project

NOW_MS = START_MS + 10 * MINUTE_MS
WORK = Line(id="s1:1")


def line(goal: str, *, session: str = "s2", announced: str = "", waits: bool = True) -> Line:
    def item(text: str) -> Item:
        return Item(text=text, at_ms=START_MS, session=session, turn=3, rule="first request")

    return Line(
        id=f"{session}:3",
        goal=item(goal),
        announced=(item(announced),) if announced else (),
        step_waits=waits,
        at_ms=START_MS + 4 * MINUTE_MS,
    )


def test_the_other_lines_are_shown_by_their_goal_agent_and_time() -> None:
    view = project(Conversation(session="s2", agent="codex"))

    assert parallel_work_entries(
        view, WORK, [line("Bake\n- rye"), line("Oil the door", session="s9")], {"s2": "Codex"}, NOW_MS
    ) == [
        Entry(text="Codex, 6 min before: Bake; rye", rule="first request", session="s2", turn=3, at_ms=START_MS),
        Entry(text="6 min before: Oil the door", rule="first request", session="s9", turn=3, at_ms=START_MS),
    ]


def test_where_a_line_was_left_is_reported() -> None:
    entries = parallel_work_entries(project(), WORK, [line("Bake rye", announced="Weigh the flour")], {}, NOW_MS)

    assert [entry.text for entry in entries] == ["6 min before: Bake rye (next was: Weigh the flour)"]


def test_a_line_without_a_goal_and_the_goal_that_the_task_shows_are_left_out() -> None:
    former = line("Bake rye")
    work = Line(id="s1:1", former_goal=former.goal)

    assert parallel_work_entries(project(), work, [former, Line(id="s3:1", at_ms=START_MS)], {}, NOW_MS) == []


def test_a_line_of_which_nothing_is_left_is_not_in_progress() -> None:
    assert parallel_work_entries(project(), WORK, [line("Bake rye", waits=False)], {}, NOW_MS) == []


def test_worktrees_come_after_the_lines_and_of_each_three_are_shown() -> None:
    trees = tuple(Worktree(root=f"/home/dev/shop-{n}", last_event_ms=START_MS + (5 + n) * MINUTE_MS) for n in range(4))
    view = ProjectView(root=ROOT, sessions=(), worktrees=trees)

    entries = parallel_work_entries(view, WORK, [line(f"goal {n}", session=f"s{n}") for n in range(5)], {}, NOW_MS)

    assert [entry.text for entry in entries] == [
        "6 min before: goal 0",
        "6 min before: goal 1",
        "6 min before: goal 2",
        "Worktree /home/dev/shop-0 has its own handoff (5 min before)",
        "Worktree /home/dev/shop-1 has its own handoff (4 min before)",
        "Worktree /home/dev/shop-2 has its own handoff (3 min before)",
    ]
    assert {entry.rule for entry in entries[3:]} == {"worktree of the repository"}
