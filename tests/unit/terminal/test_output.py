from __future__ import annotations

import io
import json
import sys
from argparse import Namespace
from contextlib import nullcontext
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.errors import UserError, visible
from carryover.terminal.output import (
    Progress,
    ago,
    agree,
    columns,
    cut_to_width,
    print_json,
    print_lines,
    size,
    waiting_for,
    wants_colour,
    wrapped,
)
from carryover.terminal.streams import RESET, STYLE, styled
from carryover.terminal.table import Column, table

NOW_MS = 1_800_000_000_000


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


AGES = {
    4: "just now",
    -30: "just now",
    5: "5 s ago",
    59: "59 s ago",
    60: "1 min ago",
    3599: "59 min ago",
    3600: "1 h ago",
    47 * 3600: "47 h ago",
    48 * 3600: "2 days ago",
}
SIZES = {0: "0 B", 999: "999 B", 1000: "1.0 kB", 1_500_000: "1.5 MB", 2 * 10**9: "2.0 GB", 3 * 10**12: "3.0 TB"}


def test_an_age_and_a_size_are_given_in_their_largest_unit() -> None:
    assert {seconds: ago(NOW_MS - seconds * 1000, NOW_MS) for seconds in AGES} == AGES
    assert {count: size(count) for count in SIZES} == SIZES


def test_data_is_printed_as_indented_json_also_with_paths_that_are_not_utf_8(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_json([{"path": "/tmp/ä"}])
    print_json([{"path": "/tmp/\udcff"}])

    readable, escaped = capsys.readouterr().out.split("]\n")[:2]
    assert readable == '[\n  {\n    "path": "/tmp/ä"\n  }\n'
    assert json.loads(f"{escaped}]") == [{"path": "/tmp/\udcff"}]


@pytest.mark.parametrize(
    ("env", "terminal", "pipe"),
    [
        ({}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
    ],
)
def test_the_user_has_the_last_say_on_colour(
    env: dict[str, str], terminal: bool, pipe: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ({"TERM": "xterm"} | env).items():  # the others are not set in tests
        monkeypatch.setenv(name, value)

    for stream, expected in ((Screen(), terminal), (io.StringIO(), pipe)):
        monkeypatch.setattr(sys, "stdout", stream)
        assert wants_colour() == expected


@pytest.mark.parametrize(("answer", "agrees"), [("y", True), ("YES ", True), ("n", False), ("", False)])
def test_only_yes_agrees(answer: str, agrees: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout"):
        monkeypatch.setattr(sys, name, Screen(f"{answer}\n"))

    with nullcontext() if agrees else pytest.raises(UserError, match=r"^Nothing was changed\.$"):
        agree(Namespace(yes=False, json=False), "Sure?")


@pytest.mark.parametrize("json", [False, True])
def test_where_nobody_can_be_asked_only_the_option_agrees(json: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Screen("y\n") if json else io.StringIO("y\n"))
    monkeypatch.setattr(sys, "stdout", Screen())

    agree(Namespace(yes=True, json=json), "Sure?")
    said = "--json asks nothing" if json else "There is no terminal to ask on"
    with pytest.raises(UserError, match=rf"^{said}, so nothing was changed. Run it .*with --yes.$"):
        agree(Namespace(yes=False, json=json), "Sure?")


def test_on_a_terminal_one_line_is_rewritten_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Screen()
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress() as progress:
        progress.update(0.5, "half")
        assert [*progress.each(["a", "b"], "file", "read")] == ["a", "b"]

    shown = ("[######......] half", "[............] 0 of 2 files read", "[######......] 1 of 2 files read", "")
    assert stream.getvalue().split("\r\x1b[K") == ["", *shown]


def test_into_a_pipe_no_progress_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    Progress().update(1.0, "writing handoffs")

    assert stream.getvalue() == ""


BROKEN = {
    "✗ carryoverd is not running, so start it": ["✗ carryoverd is not running, so", "  start it"],
    "ledger       12 events and 3 sessions": ["ledger       12 events and 3", "             sessions"],
    "  → Run it: `carryover doctor --fix` and wait": ["  → Run it:", "    `carryover doctor --fix` and", "    wait"],
}


def test_a_long_line_is_broken_between_words_and_commands_stay_whole() -> None:
    assert {line: wrapped(line, 32).split("\n") for line in BROKEN} == BROKEN


@given(line=st.text(alphabet="ab `·~", max_size=80), width=st.integers(20, 60))
def test_breaking_a_line_changes_nothing_but_blanks(line: str, width: int) -> None:
    assert wrapped(line, width).split() == line.split()


def test_on_a_terminal_lines_are_as_wide_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Screen()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "44")

    print_lines(["word " * 20])

    assert max(map(len, terminal.getvalue().splitlines())) <= 44


SHOWN = {
    "plain ü 日本\u3000語\xa0!": "plain ü 日本\u3000語\xa0!",
    "a\nb\r\x1b[2J": r"a\nb\r\x1b[2J",
    "a\u202eb\u200b\u2028\xad": r"a\u202eb\u200b\u2028\xad",
    "می\u200cخواهم": "می\u200cخواهم",
    "a\u200cb": r"a\u200cb",
    "\udcff": r"\udcff",
    "a\U000e00c1b\U000f001b": "a\\U000e00c1b\U000f001b",
}


@pytest.mark.parametrize("text", SHOWN)
def test_what_is_not_seen_is_written_out(text: str) -> None:
    assert visible(text) == str(UserError(text)) == SHOWN[text]


def test_a_line_that_is_printed_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines(["a\tb\nc", styled("bold\x1b[8m", "1") + "\x1b[2J"])

    assert capsys.readouterr().out == "a\tb\\nc\n\x1b[1mbold\\x1b[8m\x1b[0m\\x1b[2J\n"


WIDTHS = {"abc": 3, "日本語": 6, "e\u0301": 1, styled("ab", "1;33"): 2, "ｆ": 2, "👩": 2, "": 0}


def test_a_line_is_as_wide_as_a_terminal_shows_it() -> None:
    assert {text: columns(text) for text in WIDTHS} == WIDTHS


FITTED = {
    ("abcdef", 6): "abcdef",
    ("ab cdef", 4): "ab…",
    ("日本語", 5): "日本…",
    ("日本語", 4): "日…",
    (styled("abcdef", "1"), 4): f"{styled('abc', '1')}…{RESET}",
    ("abc", 0): "",
}


def test_what_is_cut_off_leaves_a_mark() -> None:
    assert {given: cut_to_width(*given) for given in FITTED} == FITTED


@given(text=st.text(alphabet="ab 日e\u0301", max_size=30), width=st.integers(0, 20), keep_end=st.booleans())
def test_what_is_fitted_is_never_wider_than_asked_and_leaves_no_style_open(
    text: str, width: int, keep_end: bool
) -> None:
    line = cut_to_width(styled(text, "1"), width, keep_end=keep_end)
    styles = STYLE.findall(line)

    assert columns(line) <= width
    assert not styles or styles[-1] == RESET


HEADS = (
    *(Column("ID"), Column("PROJECT", least=8, keep_end=True)),
    *(Column("PROMPTS", right=True), Column("TASK", least=10)),
)
ROWS = (
    ("3f2a", "~/code/clients/acme/shop", "12", "Add a discount function to cart.py and test it"),
    ("77b0", "~/notes", "3", "割引を追加する"),
)


def test_on_a_terminal_the_widest_columns_give_room() -> None:
    """Nothing is taken from one that may not be cut."""
    assert table(HEADS, ROWS, 60) == [
        "ID    PROJECT                PROMPTS  TASK",
        "3f2a  …de/clients/acme/shop       12  Add a discount functi…",
        "77b0  ~/notes                      3  割引を追加する",
    ]
    long = "x" * 50
    assert table((Column("ID"), Column("TASK", least=5)), [(long, "a task to do")], 40)[1].startswith(f"{long}  ")


@given(rows=st.lists(st.tuples(*[st.text(alphabet="ab 日", max_size=30)] * 4), max_size=4), width=st.integers(80, 200))
def test_cells_of_every_width_stay_in_the_terminal(rows: list[tuple[str, ...]], width: int) -> None:
    heads = [Column(title, least=6) for title in "ABCD"]

    assert max(map(columns, table(heads, rows, width))) <= width


class Watched(Screen):
    """A screen that notes when something is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shows = Event()

    def flush(self) -> None:
        self.shows.set()


def test_what_takes_long_is_named_until_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Watched()
    monkeypatch.setattr(sys, "stderr", screen)

    with waiting_for("Counting sheep"):
        assert screen.shows.wait(60)

    assert screen.getvalue() == "\r\x1b[KCounting sheep ...\r\x1b[K"


def test_where_no_terminal_is_nothing_is_said_of_what_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("carryover.terminal.output.SLOW_S", 0.0)

    with waiting_for("Counting sheep"):
        pass

    assert capsys.readouterr() == ("", "")
