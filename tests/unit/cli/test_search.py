from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from carryover.actions.context import state_dir
from carryover.cli.search import SNIPPET_CHARS, snippet
from carryover.errors import ExitCode
from carryover.ledger.search_query import terms_of
from carryover.terminal.width import STYLE, columns
from support.recorded_shop import Run

NOT_RUNNING = "carryoverd is not running: newer sessions may be missing here.\n"


def test_what_the_user_said_comes_first(recorded: Path, run: Run) -> None:
    code, out, err = run("search", "--project", str(recorded), "checkout")

    assert (code, err) == (ExitCode.OK, NOT_RUNNING)
    head, text, *_ = out.splitlines()
    assert re.fullmatch(r"(.+ ago|just now|\d{4}-\d\d-\d\d) · Claude Code · c0de[-0-9]+ · prompt", head)
    assert text.startswith("  ")
    assert "checkout" in text


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


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_on_a_terminal_no_line_is_wider_and_the_word_is_in_sight(
    recorded: Path, run: Run, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "dumb")

    lines = run("search", "--project", str(recorded), "checkout")[1].splitlines()

    assert max(map(columns, lines)) <= width
    assert all("checkout" in text.lower() for text in lines[1::2])


def test_hits_as_data_name_session_and_project(recorded: Path, run: Run) -> None:
    code, out, _ = run("search", "--all", "--kind", "path", "--json", "cart")

    found = json.loads(out)
    assert (code, found["indexed"], found["has_all_words"]) == (ExitCode.OK, 1.0, True)
    assert {(hit["project"], hit["agent"], hit["kind"]) for hit in found["hits"]} == {
        (str(recorded), "claude-code", "path")
    }
    assert str(recorded / "cart.py") in [hit["text"] for hit in found["hits"]]


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


@pytest.mark.parametrize("query", ['"', "***", "--", "?!"])
def test_what_has_no_word_is_refused(recorded: Path, run: Run, query: str) -> None:
    assert run("search", "--project", str(recorded), "--", query)[0] == ExitCode.USAGE


def test_an_index_that_is_not_complete_says_so(recorded: Path, run: Run) -> None:
    with closing(sqlite3.connect(state_dir().ledger)) as db:
        db.execute("UPDATE search_state SET pending_to = (SELECT max(id) / 2 FROM event)")
        db.commit()

    _, _, err = run("search", "--project", str(recorded), "checkout")

    assert " % of what is recorded can be searched yet" in err or "% of what is recorded can be searched yet" in err


def test_without_a_ledger_what_is_on_disk_is_searched_and_nothing_is_stored(shop: Path, run: Run) -> None:
    code, out, err = run("search", "--project", str(shop), "checkout")

    assert (code, err) == (ExitCode.OK, "")
    assert "checkout" in out
    assert not state_dir().ledger.exists()


def test_a_snippet_is_one_line_around_what_was_found() -> None:
    text = f"{'before ' * 50}\n needle\x1b[31m {'after ' * 50}"

    found = snippet(text, terms_of("needle"))

    assert "needle" in found
    assert (found[0], found[-1]) == ("…", "…")
    assert len(found) == SNIPPET_CHARS + 2
    assert "\x1b" not in found


def test_a_snippet_shows_the_place_where_most_words_meet() -> None:
    text = f"thread {'other ' * 60} the thread needs a needle {'after ' * 60}"

    found = snippet(text, terms_of("needle thread"))

    assert "the thread needs a needle" in found


def test_a_snippet_near_the_end_is_as_long_as_any() -> None:
    assert len(snippet(f"{'before ' * 90}needle", terms_of("needle"), 50)) == 51
