from __future__ import annotations

import argparse

import pytest

from carryover.cli.selection import chosen, tool_ids
from carryover.install.setup import Option

OPTIONS = (
    Option(id="claude-code", name="Claude Code", presence="detected", supported=True, ticked=True),
    Option(id="codex", name="Codex CLI", presence="not detected", supported=True, ticked=False),
)


def test_who_names_agents_means_those() -> None:
    assert chosen(OPTIONS, ("codex",), ask=True) == ("codex",)
    assert chosen(OPTIONS, (), ask=True) == ()


def test_without_a_terminal_the_ticked_ones_are_taken() -> None:
    assert chosen(OPTIONS, None, ask=True) == ("claude-code",)


def test_ids_may_have_blanks_around_them_and_count_once() -> None:
    assert tool_ids(" claude-code, codex,claude-code,") == ("claude-code", "codex")


def test_an_id_that_nobody_knows_is_refused() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="unknown: clippy"):
        tool_ids("codex,clippy")
