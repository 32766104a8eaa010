from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.errors import ExitCode, UserError
from carryover.install.service import Program
from carryover.install.systemd_unit import command_of, unit_text

STATE = Path("/home/dev/.carryover")

PATHS = st.text(st.characters(exclude_characters="\"'\\", exclude_categories=("C", "Z")) | st.just(" "), min_size=1)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


def lines_of(unit: str, name: str) -> list[str]:
    return [line for line in unit.splitlines() if line.startswith(f"{name}=")]


def test_the_unit_starts_this_installation() -> None:
    unit = unit_text(Program(("/opt/carryover/bin/carryoverd",), STATE))

    assert lines_of(unit, "ExecStart") == ['ExecStart="/opt/carryover/bin/carryoverd"']
    assert lines_of(unit, "Environment") == []
    assert "@" not in unit.partition("[Unit]")[2].replace("@system-service", "")


def test_variables_are_handed_on() -> None:
    program = Program(("/bin/carryoverd",), STATE, {"PATH": "/nix/bin:/bin", "CARRYOVER_HOME": "/data/my state"})

    assert lines_of(unit_text(program), "Environment") == [
        'Environment="CARRYOVER_HOME=/data/my state"',
        'Environment="PATH=/nix/bin:/bin"',
    ]


def test_what_systemd_would_replace_is_kept_from_it() -> None:
    """As a real systemd 252 takes it: `$` is for arguments only, `%` is for all."""
    program = Program(("/my $HOME/100%h/bin/carryoverd", "a $b", 'c"d\\'), STATE, {"CARRYOVER_HOME": "/x $y 100%"})
    unit = unit_text(program)

    assert lines_of(unit, "ExecStart") == ['ExecStart="/my $HOME/100%%h/bin/carryoverd" "a $$b" "c\\"d\\\\"']
    assert lines_of(unit, "Environment") == ['Environment="CARRYOVER_HOME=/x $y 100%%"']


@settings(max_examples=100, deadline=None)
@given(path=PATHS, arguments=st.lists(WORDS, max_size=3))
def test_the_command_can_be_read_back(path: str, arguments: list[str]) -> None:
    program = Program((f"/{path}", *arguments), STATE)

    assert command_of(unit_text(program)) == program.command


@pytest.mark.parametrize("path", ['/a"b', "/o'brien/bin/carryoverd", "/a\\b", "/a\nb"])
def test_a_path_that_systemd_does_not_take_is_refused_in_words(path: str) -> None:
    with pytest.raises(UserError, match="starts no program whose path holds") as refused:
        unit_text(Program((path,), STATE))

    assert refused.value.code == ExitCode.REFUSED


@pytest.mark.parametrize(
    "unit", ["", "[Service]\n", "ExecStart=/usr/bin/carryoverd --once\n", 'ExecStart="/bin/a" b\n', 'ExecStart="a\n']
)
def test_a_command_of_somebody_else_is_not_guessed_at(unit: str) -> None:
    assert command_of(unit) is None
