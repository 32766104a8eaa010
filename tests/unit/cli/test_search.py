from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from carryover.actions.context import state_dir
from carryover.errors import ExitCode
from carryover.terminal.width import STYLE
from support.recorded_shop import Run


def test_each_hit_has_two_lines_and_the_words_are_marked_on_a_terminal_only(
    recorded: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = json.loads(run("search", "--project", str(recorded), "--json", "checkout")[1])
    plain = run("search", "--project", str(recorded), "checkout")[1]
    assert len(plain.splitlines()) == 2 * len(found["hits"])
    assert "\x1b" not in plain

    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = run("search", "--project", str(recorded), "checkout")[1]
    assert "\x1b[1;33mcheckout\x1b[0m" in coloured
    assert STYLE.sub("", coloured) == plain


def test_another_project_is_searched_only_on_request(recorded: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    other = recorded.parent / "other"
    other.mkdir()
    with closing(sqlite3.connect(state_dir().ledger)) as db:
        db.execute("INSERT INTO project (id, root) VALUES (99, ?)", (str(other),))
        db.commit()
    monkeypatch.chdir(other)

    code, out, err = run("search", "checkout")
    assert (code, out) == (ExitCode.NOTHING_FOUND, "")
    assert "`--all` searches every project" in err
    assert run("search", "--all", "checkout")[0] == ExitCode.OK


def test_where_nothing_has_all_words_some_are_enough(recorded: Path, run: Run) -> None:
    code, _, err = run("search", "--project", str(recorded), "checkout", "rhinoceros")

    assert code == ExitCode.OK
    assert "No entry has all of these words" in err


def test_an_index_that_is_not_complete_says_so(recorded: Path, run: Run) -> None:
    with closing(sqlite3.connect(state_dir().ledger)) as db:
        db.execute("UPDATE search_state SET pending_to = (SELECT max(id) / 2 FROM event)")
        db.commit()

    _, _, err = run("search", "--project", str(recorded), "checkout")

    assert " % of what is recorded can be searched yet" in err or "% of what is recorded can be searched yet" in err


@pytest.mark.parametrize("query", ['"', "***", "--", "?!"])
def test_what_has_no_word_is_refused(recorded: Path, run: Run, query: str) -> None:
    assert run("search", "--project", str(recorded), "--", query)[0] == ExitCode.USAGE
