from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.cli.output import BOLD, ago, counted, duration, harmless, one_line, paint, print_json, size

NOW_MS = 1_800_000_000_000


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (4, "just now"),
        (5, "5 s ago"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (47 * 3600, "47 h ago"),
        (48 * 3600, "2 days ago"),
        (-30, "just now"),
    ],
)
def test_an_age_is_given_in_its_largest_unit(seconds: int, text: str) -> None:
    assert ago(NOW_MS - seconds * 1000, NOW_MS) == text


def test_what_never_happened_has_no_age() -> None:
    assert ago(None, NOW_MS) == "never"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_500_000, "1.5 MB"),
        (2 * 10**9, "2.0 GB"),
        (3 * 10**12, "3.0 TB"),
    ],
)
def test_a_size_is_given_in_its_largest_unit(count: int, text: str) -> None:
    assert size(count) == text


def test_a_count_carries_its_noun() -> None:
    assert [counted(number, "event") for number in (0, 1, 2000)] == ["0 events", "1 event", "2,000 events"]


def test_a_duration_is_whole() -> None:
    assert duration(61.9) == "1 min"


def test_nothing_a_terminal_would_obey_is_printed() -> None:
    assert harmless("a\x1b[2Jb\x1b]0;title\x07c\rd\x9b31me\tf\ng") == "abcd31me\tf\ng"


@given(st.text())
def test_harmless_text_has_no_control_characters_but_tab_and_line_feed(text: str) -> None:
    assert [char for char in harmless(text) if (ord(char) < 32 and char not in "\t\n") or 127 <= ord(char) < 160] == []


@given(st.text(), st.integers(1, 80))
def test_one_line_is_one_line_and_no_longer_than_asked(text: str, limit: int) -> None:
    line = one_line(text, limit)

    assert len(line) <= limit
    assert len(line.splitlines()) <= 1


def test_data_is_printed_as_indented_json_also_with_paths_that_are_not_utf_8(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_json([{"path": "/tmp/ä"}])
    print_json([{"path": "/tmp/\udcff"}])

    readable, escaped = capsys.readouterr().out.split("]\n")[:2]
    assert readable == '[\n  {\n    "path": "/tmp/ä"\n  }\n'
    assert json.loads(f"{escaped}]") == [{"path": "/tmp/\udcff"}]


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    on_a_terminal = paint("x", BOLD, Terminal())
    piped = paint("x", BOLD, io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")

    assert (on_a_terminal, piped, paint("x", BOLD, Terminal())) == ("\x1b[1mx\x1b[0m", "x", "x")
