"""Where Codex may have hooks in two files, ours are in one, and do not make it warn."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.agents.claude_code.spec import SPEC as CLAUDE
from carryover.agents.codex.spec import SPEC as CODEX
from carryover.edits.hooks import HookFile
from carryover.install.config_places import with_config_files
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
    ("in_json", "in_tables", "tables", "both"),
    [
        ((), (), False, False),
        ((), (THEIRS,), True, False),
        ((THEIRS,), (), False, False),
        ((THEIRS,), (THEIRS,), True, False),
        ((OURS,), (), False, False),
        ((), (OURS,), True, False),
        ((THEIRS, OURS), (THEIRS,), False, False),
        ((THEIRS,), (THEIRS, OURS), True, False),
        ((OURS,), (THEIRS,), True, True),
        ((THEIRS,), (OURS,), False, True),
        ((OURS,), (THEIRS, OURS), True, True),
        ((THEIRS, OURS), (OURS,), False, True),
        ((OURS,), (OURS,), False, True),
        ((THEIRS, OURS), (THEIRS, OURS), True, True),
    ],
)
def test_ours_go_where_theirs_are_and_stay_where_they_are_when_that_makes_no_difference(
    home: Path, folder: Path, in_json: tuple[str, ...], in_tables: tuple[str, ...], tables: bool, both: bool
) -> None:
    write_json(folder, *in_json)
    write_toml(folder, *in_tables)
    file, table_file = HookFile(folder / "hooks.json", "nested"), HookFile(folder / "config.toml", "tables")
    here, there = (table_file, file) if tables else (file, table_file)

    found = settled(home)

    assert (found.config, found.form, found.elsewhere) == (here.path, here.form, (there,) if both else ())


@pytest.mark.parametrize(
    ("text", "reason"),
    [("hooks = [", "can't be used: it is not valid TOML"), ("\x00", "can't be used: it is not valid TOML")],
)
def test_tables_that_cannot_be_read_block_the_hooks(home: Path, folder: Path, text: str, reason: str) -> None:
    """Whether they hold hooks of ours or of others is not known, and the agent does not start with them."""
    (folder / "config.toml").write_text(text)

    found = settled(home)

    assert (found.config, found.elsewhere) == (folder / "hooks.json", ())
    assert found.blocked.startswith(f"{folder}/config.toml {reason}")


def test_tables_that_cannot_be_opened_block_the_hooks(home: Path, folder: Path) -> None:
    (folder / "config.toml").mkdir()

    assert settled(home).blocked == f"{folder}/config.toml can't be read (not a regular file)"


def test_an_agent_with_one_place_is_left_as_it_is(home: Path) -> None:
    seen = Detection(spec=CLAUDE, state="ok", config=home / ".claude/settings.json", home=home)

    assert with_config_files([seen], [SCRIPT], "linux") == (seen,)
