"""How Gemini CLI is installed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from carryover.agents.gemini_cli.spec import SPEC
from carryover.edits.agent_settings import AgentSettings
from carryover.edits.hook_command import owner_by_script
from carryover.edits.hooks import with_hooks


def test_the_version_is_the_whole_line() -> None:
    assert SPEC.version is not None
    found = re.search(SPEC.version.pattern, "0.61.0\n", re.MULTILINE)

    assert found is not None
    assert found[1] == "0.61.0"


@pytest.mark.parametrize("variable", [None, "GEMINI_CLI_HOME"])
def test_its_folder_lies_below_the_home_that_it_is_given(tmp_path: Path, variable: str | None) -> None:
    env = {variable: str(tmp_path / "moved")} if variable else {}
    home = tmp_path / "moved" if variable else tmp_path

    assert [place.at(tmp_path, env) for place in SPEC.transcripts] == [home / ".gemini" / "tmp"]
    assert [place.at(tmp_path, env) for place in SPEC.hooks.config_files] == [home / ".gemini" / "settings.json"]


def test_time_limits_are_written_in_milliseconds_and_each_hook_has_a_name(tmp_path: Path) -> None:
    """The client shows the name while the hook runs, or else the command (0.61.0)."""
    known = AgentSettings(SPEC, tmp_path, hooks=SPEC.hooks.sets[-1].hooks)
    text = with_hooks(None, known.wanted(tmp_path / "hook.sh"), owner_by_script(tmp_path / "hook.sh"), form="nested")

    [[start]] = [group["hooks"] for group in json.loads(text)["hooks"]["SessionStart"]]
    command = f"sh {tmp_path}/hook.sh gemini-cli SessionStart 2>/dev/null || true"
    assert start == {"type": "command", "name": "Carryover", "command": command, "timeout": 5000}


def test_no_hook_has_a_matcher() -> None:
    """`startup|clear` would match nothing (0.61.0)."""
    assert {hook.matcher for known in SPEC.hooks.sets for hook in known.hooks} == {None}
