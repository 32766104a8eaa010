from __future__ import annotations

from pathlib import Path

import pytest

from carryover.agents.claude_code import AGENT
from carryover.install.detect import Detection
from carryover.install.settings_facts import SettingsFacts, settings_facts
from carryover.install.setup import stub_of, tool_hooks
from carryover.paths import StateDir


@pytest.fixture
def seen(tmp_path: Path) -> Detection:
    """Claude Code of the oldest range that has hooks: two of them."""
    return Detection(spec=AGENT.spec, state="ok", config=tmp_path / "settings.json", hook_set=AGENT.spec.hook_sets[0])


def facts(seen: Detection, content: str | None) -> SettingsFacts:
    assert seen.config is not None
    if content is not None:
        seen.config.write_text(content)
    [wanted] = tool_hooks([seen], ("claude-code",))
    return settings_facts(seen, wanted, stub_of(StateDir(Path("/state"))))


def test_without_a_file_all_hooks_are_missing_and_the_agent_does_as_it_always_does(seen: Detection) -> None:
    assert facts(seen, None) == SettingsFacts(missing=("PreCompact", "Stop"), keeps_days=30)


def test_what_the_settings_say_of_hooks_and_transcripts(seen: Detection) -> None:
    ours = '{"type": "command", "command": "sh /state/hook.sh claude-code Stop 2>/dev/null || true", "timeout": 5}'
    content = '{"cleanupPeriodDays": 7, "disableAllHooks": true, "hooks": {"Stop": [{"hooks": [' + ours + "]}]}}"

    assert facts(seen, content) == SettingsFacts(
        present=("Stop",), missing=("PreCompact",), switched_off=True, keeps_days=7
    )


@pytest.mark.parametrize("days", ["true", '"7"', "null"])
def test_days_that_are_no_number_are_the_agents_own(seen: Detection, days: str) -> None:
    assert facts(seen, f'{{"cleanupPeriodDays": {days}}}').keeps_days == 30


def test_settings_that_are_not_json_are_named(seen: Detection) -> None:
    found = facts(seen, '{"model": "opus",}')

    assert found.problem.startswith(f"{seen.config} can't be used: ")
    assert (found.missing, found.keeps_days) == ((), 30)


def test_settings_that_cannot_be_opened_are_named(seen: Detection) -> None:
    assert seen.config is not None
    seen.config.mkdir()

    assert facts(seen, None).problem == f"{seen.config} can't be read (not a regular file)."
