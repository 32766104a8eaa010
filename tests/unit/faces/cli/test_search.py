from __future__ import annotations

from pathlib import Path

import pytest

from carryover.errors import ExitCode
from support.recorded_shop import Run


def test_words_are_required(recorded: Path, run: Run) -> None:
    for arguments in (["search"], ["search", "--all", "--agent", "codex"], ["search", "--json"]):
        assert "the following arguments are required: WORDS" in run.err(ExitCode.USAGE, *arguments)


def test_words_are_found_on_either_side_of_options(recorded: Path, run: Run) -> None:
    assert "checkout" in run("search", "--all", "wire", "--limit", "5", "checkout")[1]


def test_where_only_a_part_was_searched_it_says_how_more_is(recorded: Path, run: Run) -> None:
    said = run.err(
        ExitCode.NOTHING_FOUND, "search", "--project", str(recorded), "--agent", "codex", "--kind", "error", "checkout"
    )

    assert f"Nothing recorded for {recorded} matches. Without --agent and --kind more is searched." in said


@pytest.mark.parametrize("project", [".", "elsewhere"])
def test_where_nothing_is_recorded_search_says_so(
    home: Path, run: Run, monkeypatch: pytest.MonkeyPatch, project: str
) -> None:
    (home / "elsewhere").mkdir()
    monkeypatch.chdir(home)

    assert "No session is recorded" in run.err(ExitCode.NOTHING_FOUND, "search", "--project", project, "cart")


def test_outside_of_every_project_search_says_how_all_are_searched(
    recorded: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)

    said = run.err(ExitCode.NOTHING_FOUND, "search", "cart")

    assert said.endswith(f"carryover: No session is recorded for {home}. `--all` searches every project.\n")
