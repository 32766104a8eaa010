from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from carryover.terminal.pager import pager_command
from support.terminal import Terminal

SCRIPT = """
import sys
from argparse import Namespace
from carryover.terminal.output import paint, terminal_width
from carryover.terminal.pager import paged
with paged(Namespace(no_pager="--no-pager" in sys.argv)):
    print(paint("bold", "1"), terminal_width(), sys.stdout.isatty())
    for _ in range(int(sys.argv[1])):
        print("a line of some length, so that a pipe is soon full")
print("after", file=sys.stderr)
"""


def shown(home: Path, pager: str, *arguments: str) -> tuple[int, str]:
    env = {**os.environ, "PAGER": pager}
    with Terminal([sys.executable, "-c", SCRIPT, *(arguments or ("0",))], env) as terminal:
        return terminal.end()


def test_on_a_terminal_the_users_pager_shows_what_is_printed(home: Path) -> None:
    assert shown(home, "sed 's/^/paged: /'") == (0, "paged: bold 120 True\nafter\n")


def test_a_pager_that_is_left_early_ends_the_output_quietly(home: Path) -> None:
    assert shown(home, "head -n 1", "100000") == (0, "bold 120 True\nafter\n")


def test_a_pager_that_cannot_be_started_is_no_traceback(home: Path) -> None:
    code, text = shown(home, "no-such-pager-anywhere")

    assert (code, "Traceback" in text, text.endswith("after\n")) == (0, False, True)


def test_without_a_pager_it_is_printed_at_once(home: Path) -> None:
    assert shown(home, "sed 's/^/paged: /'", "0", "--no-pager") == (0, "bold 120 True\nafter\n")


@pytest.mark.parametrize(("value", "command"), [("", None), ("cat", None), ("most -s", "most -s")])
def test_the_pager_is_the_one_that_the_user_wants(
    value: str, command: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGER", value)

    assert pager_command() == command


def test_less_is_used_where_it_is_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAGER", raising=False)
    monkeypatch.setenv("PATH", str(home))
    without = pager_command()
    (home / "less").write_text("#!/bin/sh\n")
    (home / "less").chmod(0o755)

    assert (without, pager_command()) == (None, "less")
