from __future__ import annotations

import json
from pathlib import Path

from carryover.actions.context import state_dir
from carryover.errors import ExitCode
from support.agent_here import everything
from support.recorded_shop import Run


def hooks(settings: Path) -> list[str]:
    return list(json.loads(settings.read_bytes())["hooks"])


def test_hooks_that_were_removed_come_back(installed: Path, run: Run) -> None:
    before = installed.read_bytes()
    settings = json.loads(before)
    del settings["hooks"]["Stop"]
    installed.write_text(json.dumps(settings, indent=2))

    code, out, _ = run("refresh", "--yes", "--no-service")

    assert code == ExitCode.OK
    assert "  hooks written: " in out
    assert set(hooks(installed)) == set(json.loads(before)["hooks"])


def test_settings_that_moved_take_the_hooks_with_them(installed: Path, home: Path, run: Run) -> None:
    moved = home / "elsewhere"
    moved.mkdir()
    config = state_dir().config.read_text()
    table = "[agents.claude-code]\n"
    state_dir().config.write_text(config.replace(table, f'{table}env = {{ CLAUDE_CONFIG_DIR = "{moved}" }}\n'))

    code, out, _ = run("refresh", "--yes", "--no-service")

    assert code == ExitCode.OK
    assert "✓ Hooks removed from ~/.claude/settings.json\n" in out
    assert (moved / "settings.json").exists()
    assert not installed.exists()


def test_a_dry_run_says_that_nothing_would_change(installed: Path, home: Path, run: Run) -> None:
    before = everything(home)

    code, out, _ = run("refresh", "--yes", "--no-service", "--dry-run")

    assert (code, out.splitlines()[-1]) == (ExitCode.OK, "Nothing would change.")
    assert everything(home) == before
