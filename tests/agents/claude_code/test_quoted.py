"""Texts that another program copied out of a transcript."""

from __future__ import annotations

import pytest

from carryover.adapter.contract import ToolOutcome
from carryover.agents.claude_code.adapter import AGENT
from carryover.model import AnyBody, TurnEnd, UserPrompt

assert AGENT.quoted is not None
QUOTED = AGENT.quoted


@pytest.mark.parametrize(
    ("text", "bodies"),
    [
        ("Add a discount", (UserPrompt(text="Add a discount"),)),
        ("<ide_opened_file>x</ide_opened_file>\nAdd it", (UserPrompt(text="Add it"),)),
        (
            "<command-message>review</command-message>\n<command-name>/review</command-name>\n"
            "<command-args>cart.py</command-args>",
            (UserPrompt(text="cart.py", command="/review"),),
        ),
        ("<command-name>/model</command-name>\n<command-message>model</command-message>", ()),
        ("<local-command-stdout>Bye!</local-command-stdout>", ()),
        ("[Request interrupted by user]", (TurnEnd(reason="interrupted", message="[Request interrupted by user]"),)),
        ("[Image: source: /tmp/a b.png]\n\n[Image: source: /tmp/2.png]", ()),
        ("Look at [Image: source: /tmp/a.png]", (UserPrompt(text="Look at [Image: source: /tmp/a.png]"),)),
    ],
)
def test_a_prompt_is_read_as_in_its_record(text: str, bodies: tuple[AnyBody, ...]) -> None:
    found = QUOTED.prompt(text, "")

    assert [type(body) for body in found] == [type(body) for body in bodies]
    assert [body for body in found if isinstance(body, UserPrompt)] == [
        body for body in bodies if isinstance(body, UserPrompt)
    ]


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("3 passed", ToolOutcome("ok", "3 passed")),
        ("Exit code 2\nno such file", ToolOutcome("error", "no such file", 2)),
        ("<tool_use_error>No match.</tool_use_error>", ToolOutcome("error", "No match.", never_ran=True)),
        (
            "[Request interrupted by user for tool use]",
            ToolOutcome("interrupted", "[Request interrupted by user for tool use]"),
        ),
        ("x<system-reminder>y</system-reminder>", ToolOutcome("ok", "x")),
    ],
)
def test_a_result_says_how_the_call_ended(text: str, outcome: ToolOutcome) -> None:
    assert QUOTED.outcome("shell", text) == outcome
