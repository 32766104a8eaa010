"""The turns behind what a person names: a file, lines of it, or a commit."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from carryover.errors import ExitCode, UserError
from carryover.past.file_changes import TurnChange
from carryover.past.origins import Found, is_known, origin_of
from support.claude_session import ClaudeWork
from support.shop_in_ledger import ReadIn

ADDED = "def total(items):\n    return sum(items)\n\n\nclass Cart:\n    def total(self):\n        return 1\n"


@pytest.fixture
def work(home: Path, shop: Path, read_in: ReadIn, monkeypatch: pytest.MonkeyPatch) -> ClaudeWork:
    """Three turns on `cart.py`, of which the second is committed."""
    session = ClaudeWork(home / ".claude" / "projects", shop, now=datetime(2026, 11, 20, 6, 0, tzinfo=UTC))
    session.prompt("add a total")
    session.write("cart.py", ADDED)
    session.later(minutes=5)
    session.prompt("commit it")
    session.commit("Add a total")
    session.later(minutes=5)
    session.prompt("make it two")
    session.edit("cart.py", "return 1", "return 2")
    read_in(session)
    monkeypatch.chdir(shop)
    return session


def changes(behind: tuple[str, Found]) -> list[TurnChange]:
    _, found = behind
    assert isinstance(found, list)
    return found


def prompts(behind: tuple[str, Found]) -> list[str | None]:
    return [change.prompt for change in changes(behind)]


def test_behind_a_file_are_the_turns_that_changed_it_newest_first(
    work: ClaudeWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = origin_of("cart.py", limit=9)
    [newest, *_] = changes(behind)

    assert prompts(behind) == ["make it two", "add a total"]
    assert prompts(origin_of("cart.py", limit=1)) == ["make it two"]
    assert (newest.agent_name, newest.short, newest.turn) == ("Claude Code", work.session[:8], 3)
    assert is_known(behind[1])
    (work.cwd / "lib").mkdir()
    monkeypatch.chdir(work.cwd / "lib")
    assert prompts(origin_of("../cart.py", limit=9)) == prompts(origin_of("cart.py", limit=9)) == prompts(behind)


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("cart.py:7-6", ExitCode.USAGE, "7-6 ends before it begins."),
        ("cart.py:1-2001", ExitCode.USAGE, "1-2001 has more than 2,000 lines. Ask for fewer."),
        ("cart.py:total", ExitCode.USAGE, "'total' names no line; write 12, or 12-30."),
        ("notes.txt", ExitCode.NOTHING_FOUND, "`carryover search notes.txt` looks for where it was mentioned."),
        ("notes.txt:2", ExitCode.NOTHING_FOUND, "notes.txt has 1 line, so no line 2."),
        ("notes.txt:99-120", ExitCode.NOTHING_FOUND, "so no line 99"),
        ("gone.py:1", ExitCode.NOTHING_FOUND, "gone.py can't be read"),
        (".", ExitCode.NOTHING_FOUND, "It is a folder: name a file in it."),
        ("walrus", ExitCode.NOTHING_FOUND, "There is no file 'walrus' here, and no agent"),
        ("lib/walrus", ExitCode.NOTHING_FOUND, "No agent is known to have changed"),
        ("HEAD~1", ExitCode.NOTHING_FOUND, "No recorded session made commit"),
    ],
)
def test_of_what_is_not_known_it_is_said_why(work: ClaudeWork, name: str, code: ExitCode, said: str) -> None:
    (work.cwd / "notes.txt").write_text("total\n")

    with pytest.raises(UserError) as raised:
        origin_of(name, limit=9)

    assert said in str(raised.value)
    assert raised.value.code == code


def test_outside_of_git_no_commit_is_looked_for(
    work: ClaudeWork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "poems").mkdir()
    monkeypatch.chdir(tmp_path / "poems")

    with pytest.raises(UserError) as raised:
        origin_of("Ode 2", limit=9)

    assert str(raised.value).endswith("changed it. `carryover search 'Ode 2'` looks for where it was mentioned.")


def test_a_file_of_a_project_whose_folder_is_gone_has_its_turns(
    work: ClaudeWork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of one that was deleted, or that was imported from another machine."""
    monkeypatch.chdir(tmp_path)
    shutil.rmtree(work.cwd)
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path / "away")  # nor need the current one be there
    (tmp_path / "away").rmdir()

    assert prompts(origin_of(str(work.cwd / "cart.py"), limit=9)) == ["make it two", "add a total"]
