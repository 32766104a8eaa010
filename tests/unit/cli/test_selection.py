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


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("codex,clippy", "unknown: clippy."),
        ("codex,aider", "not supported yet: aider."),
        ("windsurf,clippy,aider", "unknown: clippy; not supported yet: windsurf, aider."),
        ("", "no agent is named; `carryover uninstall` takes every agent's hooks out."),
        (" , ", "no agent is named; `carryover uninstall` takes every agent's hooks out."),
    ],
)
def test_what_cannot_be_used_is_refused(text: str, problem: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as refused:
        tool_ids(text)

    assert str(refused.value) == f"{problem} Nothing was changed. Supported are: claude-code, codex, cursor."
