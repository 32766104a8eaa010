"""Install, refresh, doctor and uninstall for three agents at once, each with hooks of another form."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from carryover.actions.context import state_dir
from carryover.errors import ExitCode
from support.recorded_shop import Run
from support.tools import versioned

CODEX_EVENTS = "SessionStart, PreCompact, Stop, SessionEnd"
REVIEW = '  Codex asks once before it runs new hooks: start `codex` and choose "Trust all" ("Review" shows each).\n'
SNAKE = ("session_start", "pre_compact", "stop", "session_end")


@pytest.fixture
def three(claude: Path, home: Path) -> Path:
    """Claude Code, Codex and Cursor are on this machine; the home folder."""
    versioned(home / "bin/codex", "codex-cli 0.169.0")
    versioned(home / "bin/cursor-agent", "2026.09.10-fd3934a")
    (home / ".codex").mkdir()
    return home


@pytest.fixture
def set_up(three: Path, run: Run) -> Path:
    """The same after `carryover install`."""
    assert run("install", "--yes", "--no-service")[0] == ExitCode.OK
    return three


def review(home: Path) -> None:
    """As Codex notes it when the user trusts all."""
    tables = (f'[hooks.state."{home}/.codex/hooks.json:{event}:0:0"]\ntrusted_hash = "sha256:1"\n' for event in SNAKE)
    with (home / ".codex/config.toml").open("a") as file:
        file.write("\n".join(("[hooks.state]", *tables)))


def found(run: Run, agent: str) -> list[str]:
    """What doctor says of one agent's hooks."""
    reported = json.loads(run("doctor", "--json")[1])["findings"]
    checks = ("hooks", "review", "folder")
    return [finding["what"] for finding in reported if finding["check"] in checks and agent in finding["what"]]


def test_settings_beside_the_hooks_that_cannot_be_read_are_named(three: Path, run: Run) -> None:
    """Codex does not start with such a file, and whether it holds hooks cannot be told."""
    config = three / ".codex/config.toml"
    config.write_text("[features\nhooks = true\n")
    trouble = f"{config} can't be used: it is not valid TOML: "

    code, out, _ = run("install", "--yes", "--no-service")

    assert code == ExitCode.FAILED
    assert "✗ Codex CLI 0.169.0 detected, but its hooks could not be written.\n" in out
    assert f"  {config} is left alone: it is not valid TOML: " in out
    assert out.count("hooks written") == 2
    assert not (three / ".codex/hooks.json").exists()
    assert config.read_text() == "[features\nhooks = true\n"

    found = json.loads(run("doctor", "--json")[1])["findings"]
    assert [finding["do"] for finding in found if finding["what"].startswith(trouble)] == [
        "Repair the file, then run `carryover refresh`."
    ]
    assert "can't be used: it is not valid TOML: " in run("status", "-v")[1]

    config.write_text("[features]\nhooks = true\n")
    assert run("refresh", "--yes", "--no-service")[0] == ExitCode.OK
    assert (three / ".codex/hooks.json").exists()


def test_hooks_that_are_there_stay_when_settings_beside_them_break(set_up: Path, run: Run) -> None:
    (set_up / ".codex/config.toml").write_text("[features\n")
    before = (set_up / ".codex/hooks.json").read_bytes()

    assert run("refresh", "--yes", "--no-service")[0] == ExitCode.FAILED
    assert (set_up / ".codex/hooks.json").read_bytes() == before

    assert run("uninstall")[0] == ExitCode.OK
    assert not (set_up / ".codex/hooks.json").exists()


def test_without_the_record_hooks_are_found_in_every_form(set_up: Path, run: Run) -> None:
    (set_up / ".codex/config.toml").write_text(
        '[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = "command"\ncommand = "x"\n'
    )
    theirs = (set_up / ".codex/config.toml").read_bytes()
    run("refresh", "--yes", "--no-service")
    assert (set_up / ".codex/config.toml").read_bytes() != theirs
    (state_dir().root / "edits.json").unlink()

    assert run("uninstall")[0] == ExitCode.OK

    assert (set_up / ".codex/config.toml").read_bytes() == theirs
    assert json.loads((set_up / ".cursor/hooks.json").read_bytes()) == {"version": 1}


def test_hooks_follow_those_that_the_user_keeps_in_the_other_file(set_up: Path, run: Run) -> None:
    config = set_up / ".codex/config.toml"
    theirs = (
        'model = "gpt-6" # mine\n\n[[hooks.Stop]]\n\n[[hooks.Stop.hooks]]\ntype = "command"\ncommand = "say done"\n'
    )
    config.write_text(theirs)
    assert found(run, "Codex") == [f"Codex CLI: hooks are missing in ~/.codex/config.toml: {CODEX_EVENTS}."]

    code, out, _ = run("refresh", "--yes", "--no-service")

    assert code == ExitCode.OK
    assert f"  config: ~/.codex/config.toml\n  hooks written: {CODEX_EVENTS}\n{REVIEW}" in out
    assert "✓ Hooks removed from ~/.codex/hooks.json\n" in out
    assert not (set_up / ".codex/hooks.json").exists()
    assert config.read_text().startswith(theirs)
    assert len(tomllib.loads(config.read_text())["hooks"]["Stop"]) == 2
    assert run("refresh", "--yes", "--no-service")[1].startswith("Nothing changed")

    run("uninstall", "--purge")
    assert config.read_text() == theirs


def test_a_file_that_codex_drops_is_left_alone_and_stops_no_other(three: Path, run: Run) -> None:
    dropped = '{"$schema": "https://example.invalid/x", "hooks": {}}'
    (three / ".codex/hooks.json").write_text(dropped)

    code, out, _ = run("install", "--yes", "--no-service")

    assert code == ExitCode.FAILED
    assert "✗ Codex CLI 0.169.0 detected, but its hooks could not be written.\n" in out
    assert 'left alone: its key "$schema" makes the agent drop the whole file. Fix that, then' in out
    assert (three / ".codex/hooks.json").read_text() == dropped
    assert (three / ".cursor/hooks.json").exists()
    assert found(run, "Codex") == [
        'Codex CLI runs no hook of ~/.codex/hooks.json: its key "$schema" makes the agent drop the whole file.'
    ]


def test_what_the_user_trusted_stays_after_an_uninstall(set_up: Path, run: Run) -> None:
    """It is the client's own writing; without the hooks it means nothing."""
    review(set_up)
    before = (set_up / ".codex/config.toml").read_bytes()

    assert run("uninstall", "--purge")[0] == ExitCode.OK

    assert (set_up / ".codex/config.toml").read_bytes() == before
    assert not (set_up / ".codex/hooks.json").exists()
