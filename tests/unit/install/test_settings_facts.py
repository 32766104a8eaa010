from __future__ import annotations

import json
from pathlib import Path

import pytest

from carryover.agents.claude_code.adapter import AGENT
from carryover.agents.codex.spec import SPEC as CODEX
from carryover.agents.cursor.spec import SPEC as CURSOR
from carryover.install.detect import Detection
from carryover.install.settings_facts import SettingsFacts, settings_facts
from carryover.install.setup import agent_hooks
from carryover.paths import StateDir


@pytest.fixture
def seen(tmp_path: Path) -> Detection:
    """Claude Code of the oldest range that has hooks: two of them."""
    (tmp_path / ".claude").mkdir()
    return Detection(
        spec=AGENT.spec,
        state="ok",
        config=tmp_path / ".claude/settings.json",
        hook_set=AGENT.spec.hooks.sets[0],
        home=tmp_path,
    )


def facts(seen: Detection, content: str | None) -> SettingsFacts:
    assert seen.config is not None
    if content is not None:
        seen.config.write_text(content)
    [wanted] = agent_hooks([seen], ("claude-code",))
    return settings_facts(seen, wanted, StateDir(Path("/state")).hook_script)


def test_without_a_file_all_hooks_are_missing_and_the_agent_does_as_it_always_does(seen: Detection) -> None:
    assert facts(seen, None) == SettingsFacts(missing=("PreCompact", "Stop"), keeps_days=30)


def test_what_the_settings_say_of_hooks_and_transcripts(seen: Detection) -> None:
    ours = '{"type": "command", "command": "sh /state/hook.sh claude-code Stop 2>/dev/null || true", "timeout": 5}'
    content = '{"cleanupPeriodDays": 7, "disableAllHooks": true, "hooks": {"Stop": [{"hooks": [' + ours + "]}]}}"

    assert facts(seen, content) == SettingsFacts(
        present=("Stop",),
        missing=("PreCompact",),
        switched_off="disableAllHooks",
        switched_off_in=seen.config,
        keeps_days=7,
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


@pytest.fixture
def codex(home: Path) -> Detection:
    (home / ".codex").mkdir()
    config = home / ".codex/hooks.json"
    return Detection(spec=CODEX, state="ok", config=config, hook_set=CODEX.hooks.sets[0], home=home)


def codex_facts(seen: Detection, hooks: str | None, config: str | None = None) -> SettingsFacts:
    assert seen.config is not None
    if hooks is not None:
        seen.config.write_text(hooks)
    if config is not None:
        seen.config.with_name("config.toml").write_text(config)
    [wanted] = agent_hooks([seen], ("codex",))
    return settings_facts(seen, wanted, StateDir(Path("/state")).hook_script)


def in_hooks_json(**more: object) -> str:
    def group(event: str) -> dict[str, object]:
        command = f"sh /state/hook.sh codex {event} 2>/dev/null || true"
        return {"hooks": [{"type": "command", "command": command, "timeout": 5}]}

    return json.dumps({**more, "hooks": {event: [group(event)] for event in ("SessionStart", "Stop")}})


def test_hooks_that_wait_for_a_review_and_those_that_had_one(codex: Detection) -> None:
    both = ("SessionStart", "Stop")
    notes = "".join(
        f'[hooks.state."{codex.config}:{event}:0:0"]\ntrusted_hash = "sha256:1"\n'
        for event in ("session_start", "stop")
    )

    waiting = codex_facts(codex, in_hooks_json())
    assert (waiting.present, waiting.to_review, waiting.reviewed) == (both, both, False)
    done = codex_facts(codex, None, notes)
    assert (done.present, done.to_review, done.reviewed) == (both, (), True)


def test_no_hooks_are_neither_reviewed_nor_waiting(codex: Detection) -> None:
    found = codex_facts(codex, None)

    assert (found.missing, found.to_review, found.reviewed) == (("SessionStart", "Stop"), (), False)


def test_a_file_that_the_agent_drops(codex: Detection) -> None:
    found = codex_facts(codex, in_hooks_json(**{"$schema": "x"}))

    assert found.dropped == 'its key "$schema" (line 1) makes the agent drop the whole file'


@pytest.mark.parametrize(
    ("config", "off"),
    [
        ("[features]\nhooks = false\n", "features.hooks = false"),
        ("[features]\ncodex_hooks = false\n", "features.codex_hooks = false"),
        ("[features]\nhooks = true\n", ""),
        ("[features]\nhooks = 0\n", ""),
        ("features = 3\n", ""),
        ("[features\nhooks = false\n", ""),
    ],
)
def test_the_switch_in_another_file(codex: Detection, config: str, off: str) -> None:
    assert codex.config is not None
    found = codex_facts(codex, in_hooks_json(), config)

    assert found.switched_off == off
    assert found.switched_off_in == (codex.config.with_name("config.toml") if off else None)


@pytest.mark.parametrize(
    ("config", "limit"),
    [(None, 32_768), ("project_doc_max_bytes = 100\n", 100), ("project_doc_max_bytes = 'x'\n", 32_768)],
)
def test_how_much_of_its_instructions_it_reads(codex: Detection, config: str | None, limit: int) -> None:
    assert codex_facts(codex, None, config).reads_bytes == limit


def test_a_flat_file_without_a_version_and_with_events_beside_hooks(home: Path) -> None:
    (home / ".cursor").mkdir()
    config = home / ".cursor/hooks.json"
    config.write_text('{"stop": [{"command": "x"}], "hooks": {}}')
    seen = Detection(spec=CURSOR, state="ok", config=config, form="flat", hook_set=CURSOR.hooks.sets[0], home=home)
    [wanted] = agent_hooks([seen], ("cursor",))

    found = settings_facts(seen, wanted, StateDir(Path("/state")).hook_script)

    assert (found.ignored, found.missing) == (("stop",), ("stop",))
    assert found.dropped == 'it has no "version" (such as 1), without which the agent drops the whole file'
