"""What the handoff says of the checkout, beside the work that it tells of."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from carryover.distill.render import render
from carryover.facts import Facts, GitFacts, GitNotes
from carryover.model import PlanItem, PlanUpdate, UserPrompt
from carryover.records.fields import iso_utc
from support.conversation import HOUR_MS, MINUTE_MS, Conversation, handoff, session, worked


def text_with(git: GitFacts, talk: Conversation, *later: Conversation) -> str:
    return render(handoff(talk, *later, facts=Facts(git), later_ms=30 * HOUR_MS))


def line_with(git: GitFacts, talk: Conversation) -> str:
    return next(line for line in text_with(git, talk).splitlines() if " when this was written: " in line)


def of_one_time() -> Conversation:
    """A chat whose record has no time but that of its beginning, as Aider's is read: each item is 1 ms later."""
    talk = session("s1", agent="aider")
    began = talk.at_ms - MINUTE_MS
    for number, text in enumerate(("Add vouchers.", "Test them.")):
        talk.at_ms = began + number
        talk.event(UserPrompt(text=text))
    return talk


@pytest.mark.parametrize(
    ("own", "untracked", "said"),
    [
        (0, 0, "; nothing uncommitted"),
        (2, 0, "; nothing uncommitted but Carryover's own text in 2 files"),
        (1, 3, "; not committed: 3 untracked; and Carryover's own text in 1 file"),
    ],
)
def test_the_line_about_git_says_what_it_leaves_out(own: int, untracked: int, said: str) -> None:
    facts = GitFacts(branch="main", head="1a2b3c4", subject="Vouchers", own=own, untracked=untracked)

    assert line_with(facts, worked()).endswith(f'branch main at 1a2b3c4 "Vouchers"{said}')


@pytest.mark.parametrize(("hours", "came"), [(-1, False), (1, False), (26, True)])
def test_commits_that_came_after_all_recorded_work_are_told(hours: int, came: bool) -> None:
    talk = worked()
    text = text_with(GitFacts(branch="main", head="1a2b3c4", committed_ms=talk.at_ms + hours * HOUR_MS), talk)

    assert ("committed 26 h after the newest work recorded here" in text) is came
    assert (f"Since then: `git log --stat --since={iso_utc(talk.at_ms)}`." in text) is came
    assert ("Since then: `git diff --stat 1a2b3c4`." in text) is not came


def test_of_a_chat_without_times_it_is_not_known_what_came_later() -> None:
    talk = of_one_time()
    notes = GitNotes(reset_ms=talk.at_ms + HOUR_MS, reset_from="9f8e7d6", stashed_ms=talk.at_ms + HOUR_MS)
    git = GitFacts(branch="main", head="1a2b3c4", committed_ms=talk.at_ms + 26 * HOUR_MS, notes=notes)

    assert "recorded here" not in text_with(git, talk)
    assert "Since then: `git diff --stat 1a2b3c4`." in text_with(git, talk)


@pytest.mark.parametrize(
    ("minutes", "said"), [(-3, ""), (12, ", `git reset` from 9f8e7d6 12 min after the newest work recorded here")]
)
def test_a_reset_after_the_work_is_told(minutes: int, said: str) -> None:
    """What the session committed may be gone."""
    talk = worked()
    notes = GitNotes(reset_ms=talk.at_ms + minutes * MINUTE_MS, reset_from="9f8e7d6")
    git = GitFacts(branch="main", head="1a2b3c4", subject="Shop", notes=notes)

    assert line_with(git, talk).endswith(f'at 1a2b3c4 "Shop"{said}; nothing uncommitted')


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (-300, ""),
        (-1, "; stashed 1 min before the newest work recorded here"),
        (12, "; stashed 12 min after the newest work recorded here"),
    ],
)
def test_a_stash_that_may_hold_some_of_the_work_is_told(minutes: int, said: str) -> None:
    talk = worked()
    git = GitFacts(branch="main", head="1a2b3c4", notes=GitNotes(stashed_ms=talk.at_ms + minutes * MINUTE_MS))

    assert line_with(git, talk).endswith(f"; nothing uncommitted{said}")


@pytest.mark.parametrize(("on", "said"), [("main", "; stashed 12 min"), ("tax", "; stashed on branch tax 12 min")])
def test_a_stash_of_another_branch_names_it(on: str, said: str) -> None:
    """Worktrees share their stashes."""
    talk = worked()
    notes = GitNotes(stashed_ms=talk.at_ms + 12 * MINUTE_MS, stashed_on=on)

    assert said in line_with(GitFacts(branch="main", head="1a2b3c4", notes=notes), talk)


def test_an_operation_that_git_has_not_finished_is_named() -> None:
    """Its HEAD is detached, and a file with both versions of a line is no work of the session."""
    git = GitFacts(branch=None, head="1a2b3c4", subject="Shop", changed_files=1, insertions=4)
    rebase = GitNotes(under_way="rebase", rebased="main")
    merge = GitNotes(under_way="merge")

    for talk in (worked(), of_one_time()):
        lines = [line_with(replace(git, notes=notes), talk) for notes in (rebase, merge)]
        assert 'detached HEAD at 1a2b3c4 "Shop", under way: rebase of main; not committed: 1 changed' in lines[0]
        assert '"Shop", under way: merge; not' in lines[1]


@pytest.mark.parametrize(
    ("asks", "minutes", "untracked", "is_open"),
    [
        ("Want me to commit it?", 5, 0, False),
        ("要一併 commit 嗎？", 5, 0, False),
        ("Want me to commit it?", -5, 0, True),
        ("Want me to commit it?", 5, 1, True),
        ("Want me to commit it? And shall I drop the table?", 5, 0, True),
    ],
)
def test_a_question_whether_to_commit_is_closed_once_all_is_committed(
    asks: str, minutes: int, untracked: int, is_open: bool
) -> None:
    talk = worked(says=f"The vouchers moved. {asks}")
    committed_ms = talk.at_ms + minutes * MINUTE_MS
    git = GitFacts(branch="main", head="1a2b3c4", committed_ms=committed_ms, untracked=untracked)
    later = worked("s2", "Translate the manual.", hours=1)

    for talks in ((talk,), (talk, later)):
        made = handoff(*talks, facts=Facts(git), later_ms=later.at_ms - talks[-1].at_ms)
        assert ("claude-code asked (" in render(made), made.settled) == (is_open, not is_open)


@pytest.mark.parametrize(
    ("minutes", "untracked", "is_open"), [(90, 0, False), (90, 1, True), (5, 0, True), (-5, 0, True)]
)
def test_what_an_earlier_session_left_is_over_once_another_worked_and_all_is_committed(
    minutes: int, untracked: int, is_open: bool
) -> None:
    items = (PlanItem(text="Round", state="done"), PlanItem(text="Cap"))
    talk = session("s1").user("Move the vouchers.").edited("cart.py").event(PlanUpdate(items=items))
    talk.says("Moved. Shall I drop the table?")
    committed_ms = talk.at_ms + minutes * MINUTE_MS
    git = GitFacts(branch="main", head="1a2b3c4", committed_ms=committed_ms, untracked=untracked)
    later = worked("s2", "Go on with the manual.", hours=1)

    text = text_with(git, talk, later)
    assert ("claude-code asked (" in text, "open: Cap" in text) == (is_open, is_open)
    alone = text_with(git, talk)  # nobody worked on anything else since
    assert "claude-code asked (" in alone and "open: Cap" in alone


def test_a_question_about_a_commit_that_the_agent_made_stays_open() -> None:
    talk = worked().ran("git commit -a", "[main 4a7f2c1] Round last").says("Committed. Shall I push the commit?")
    git = GitFacts(branch="main", head="1a2b3c4", committed_ms=talk.at_ms + 5 * MINUTE_MS)

    assert "claude-code asked (" in render(handoff(talk, facts=Facts(git), later_ms=6 * MINUTE_MS))


def test_what_was_stashed_is_not_committed() -> None:
    """As before a pull, which brings a newer HEAD."""
    talk = worked(says="The vouchers moved. Want me to commit it?")
    notes = GitNotes(stashed_ms=talk.at_ms + 2 * MINUTE_MS, stashed_on="main")
    git = GitFacts(branch="main", head="1a2b3c4", committed_ms=talk.at_ms + 5 * MINUTE_MS, notes=notes)

    assert "claude-code asked (" in render(handoff(talk, facts=Facts(git), later_ms=6 * MINUTE_MS))
