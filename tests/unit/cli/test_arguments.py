from __future__ import annotations

import argparse
import os
import sys

import pytest

from carryover.cli.arguments import MEANING, HelpText, exit_code_help, positive
from carryover.errors import ExitCode


def test_every_exit_code_has_a_meaning() -> None:
    assert set(MEANING) == set(ExitCode)


def test_a_command_lists_the_codes_it_has() -> None:
    assert exit_code_help(ExitCode.OK, ExitCode.INTERRUPTED) == (
        "exit codes:\n  0    done\n  130  interrupted (Ctrl-C)\n"
    )


def test_help_is_as_wide_as_a_terminal_but_no_wider_than_one_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    widths = []
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.delenv("COLUMNS", raising=False)
    for columns in (20, 72, 300):
        monkeypatch.setattr(os, "get_terminal_size", lambda _, c=columns: os.terminal_size((c, 24)))
        parser = argparse.ArgumentParser(prog="x", formatter_class=HelpText)
        parser.add_argument("--option", help="word " * 100)
        widths.append(max(map(len, parser.format_help().splitlines())))

    assert [wide // 10 for wide in widths] == [3, 6, 9]


@pytest.mark.parametrize("text", ["0", "-3"])
def test_a_count_begins_at_one(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="at least 1"):
        positive(text)


def test_a_count_is_a_number() -> None:
    assert positive("12") == 12
