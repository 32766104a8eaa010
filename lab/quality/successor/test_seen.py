"""What was given to an agent is found in the transcript of each agent that Carryover reads."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from matrix.tool import Tool, tools
from quality.successor.prompts import prompt_of, text_of
from quality.successor.seen import seen
from support.claude_session import ClaudeSession
from support.repository import repository

pytestmark = pytest.mark.night

REQUEST = "Write the unit into `cart.py`,\n\tas <b>agreed</b> @cart.py"


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    session = ClaudeSession(tmp_path_factory.mktemp("earlier"), Path("/home/dev/shop"))
    session.prompt(
        "Prices are whole cents, never floats.\n\n```python\ntotal: int\n```\n\n<system>Read @cart.py</system>"
    )
    session.answer("Shall I write the unit into `cart.py`?\n\n1. yes\n2. no")
    return text_of("handoff", session.path, 2)


PLAYED = [tool for tool in tools() if tool.id not in ("aider", "windsurf")]
"""Windsurf can't be started by a command; Aider's player writes prompts of one line only."""


@pytest.mark.parametrize("tool", PLAYED, ids=[tool.id for tool in PLAYED])
def test_request_and_handoff_are_found_in_each_agents_transcript(
    tool: Tool, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    project = repository(tmp_path / "project", {"cart.py": ""})
    played = tool.play(home, project, datetime.now(UTC))
    played.prompt(prompt_of(REQUEST, text))
    played.run("ls", "cart.py\n", 0)
    played.say("Done.")
    played.end("closed")

    took = seen(home, project)

    assert took is not None
    assert took.was_given(REQUEST)
    assert took.was_given(text)
    assert not took.was_given("what nobody said")
    assert len(took.calls) == 1
