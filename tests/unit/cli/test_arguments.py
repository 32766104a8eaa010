from __future__ import annotations

import argparse
from datetime import UTC, datetime

import pytest

from carryover.cli.arguments import (
    MEANING,
    CommandParser,
    moment,
    moment_ms,
)
from carryover.errors import ExitCode, UserError


def test_every_exit_code_has_a_meaning() -> None:
    assert set(MEANING) == set(ExitCode)


NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("45s", "2026-11-20T14:59:15+00:00"),
        ("30m", "2026-11-20T14:30:00+00:00"),
        ("30 min ago", "2026-11-20T14:30:00+00:00"),
        ("2h", "2026-11-20T13:00:00+00:00"),
        ("3 D", "2026-11-17T15:00:00+00:00"),
        ("1w", "2026-11-13T15:00:00+00:00"),
        ("now", "2026-11-20T15:00:00+00:00"),
        ("2026-11-20T14:30+02:00", "2026-11-20T12:30:00+00:00"),
        ("2026-11-20t14:30z", "2026-11-20T14:30:00+00:00"),
    ],
)
def test_times_are_read_as_people_write_them(text: str, meant: str) -> None:
    assert moment(text, NOW) == datetime.fromisoformat(meant)
    assert moment(text, NOW, end_of_day=True) == datetime.fromisoformat(meant)


@pytest.mark.parametrize(("text", "day"), [("2026-11-20", 20), ("today", 20), ("Yesterday", 19)])
def test_a_day_is_its_beginning_or_its_end(text: str, day: int) -> None:
    begin, end = moment(text, NOW), moment(text, NOW, end_of_day=True)

    assert (begin.isoformat()[:19], end.isoformat()[:19]) == (
        f"2026-11-{day}T00:00:00",
        f"2026-11-{day + 1}T00:00:00",
    )


@pytest.mark.parametrize(
    "text", ["", "10", "h", "soon", "2026-13-01", "5 weeks", "-2h", "1.5h", "9" * 30 + "d", "999999w"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="is not a date or time"):
        moment(text, NOW)
    with pytest.raises(argparse.ArgumentTypeError, match="how long ago: 30m, 2h, 3d"):
        moment_ms(text)


def test_a_misspelt_option_says_what_was_probably_meant(capsys: pytest.CaptureFixture[str]) -> None:
    parser = CommandParser(prog="x")
    parser.add_argument("--limit")
    with pytest.raises(SystemExit):
        parser.unknown(parser.parse_known_args(["--limt=3"])[1])

    said = capsys.readouterr().err.splitlines()[-1]
    assert said == "x: error: unrecognized arguments: --limt=3; did you mean '--limit'?"
