"""Where Codex may have hooks in two files, ours are in one, and do not make it warn."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.agents.claude_code.spec import SPEC as CLAUDE
from carryover.agents.codex.spec import SPEC as CODEX
from carryover.install.agent_settings import with_config_files
from carryover.install.detect import Detection

SCRIPT = Path("/state/hook.sh")
OURS = "sh /state/hook.sh codex Stop 2>/dev/null || true"
THEIRS = "say done"


@pytest.fixture
def folder(home: Path) -> Path:
    (home / ".codex").mkdir()
    return home / ".codex"


def write_json(folder: Path, *commands: str) -> None:
    groups = ", ".join(f'{{"hooks": [{{"type": "command", "command": "{command}"}}]}}' for command in commands)
    (folder / "hooks.json").write_text(f'{{"hooks": {{"Stop": [{groups}]}}}}')


def write_toml(folder: Path, *commands: str) -> None:
    tables = (
        f'[[hooks.Stop]]\n[[hooks.Stop.hooks]]\ntype = "command"\ncommand = "{command}"\n' for command in commands
    )
    state = '[hooks.state."x:stop:0:0"]\ntrusted_hash = "sha256:1"\n'
    (folder / "config.toml").write_text("".join((*tables, state)))


def settled(home: Path) -> Detection:
    seen = Detection(spec=CODEX, state="ok", config=home / ".codex/hooks.json", home=home)
    [found] = with_config_files([seen], [SCRIPT], "linux")
    return found


@pytest.mark.parametrize(
    ("in_json", "in_tables", "tables"),
    [
        ((), (), False),
        ((), (THEIRS,), True),
        ((THEIRS,), (), False),
        ((THEIRS,), (THEIRS,), True),
        ((OURS,), (), False),
        ((), (OURS,), True),
        ((OURS,), (THEIRS,), True),
        ((THEIRS,), (OURS,), False),
        ((THEIRS, OURS), (OURS,), False),
        ((OURS,), (OURS,), True),
    ],
)
def test_ours_go_where_theirs_are_and_stay_where_they_are_when_that_makes_no_difference(
    home: Path, folder: Path, in_json: tuple[str, ...], in_tables: tuple[str, ...], tables: bool
) -> None:
    write_json(folder, *in_json)
    write_toml(folder, *in_tables)

    found = settled(home)

    place = ("config.toml", "tables") if tables else ("hooks.json", "nested")
    assert (found.config, found.form) == (folder / place[0], place[1])


def test_tables_that_cannot_be_read_get_the_hooks_and_the_edit_says_why_it_cannot(home: Path, folder: Path) -> None:
    """Whether they hold hooks of ours or of others is not known, and the agent does not start with them."""
    (folder / "config.toml").write_text("hooks = [")

    assert settled(home).form == "tables"


def test_an_agent_with_one_place_is_left_as_it_is(home: Path) -> None:
    seen = Detection(spec=CLAUDE, state="ok", config=home / ".claude/settings.json", home=home)

    assert with_config_files([seen], [SCRIPT], "linux") == (seen,)
