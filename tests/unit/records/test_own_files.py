"""Which commands may print something of Carryover's own files."""

from __future__ import annotations

import pytest

from carryover.records.own_files import may_print


@pytest.mark.parametrize(
    ("command", "may"),
    [
        ("ls -l .carryover", False),
        ("bash -c 'ls -l .carryover'", False),
        ("bash -c 'cat .carryover/handoff.md'", True),
        ("powershell -NoProfile -Command Get-Content .carryover/handoff.md", True),
        (r"cmd /c type .carryover\handoff.md", True),
        ("bash shown.sh .carryover/handoff.md -c 3", True),
    ],
)
def test_only_a_command_that_names_them_alone_prints_nothing_of_them(command: str, may: bool) -> None:
    assert may_print(command) == may
