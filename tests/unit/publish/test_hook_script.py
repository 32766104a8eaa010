from __future__ import annotations

import os
import re
import shlex
import stat
from pathlib import Path

import pytest

from carryover.agents import specs
from carryover.edits.hooks import hook_command
from carryover.paths import StateDir
from carryover.publish.hook_script import write_hook_script


@pytest.fixture
def state(home: Path) -> StateDir:
    """A state folder in which a daemon has made its secret."""
    state = StateDir(home / ".carryover")
    state.root.mkdir(mode=0o700)
    state.secret.write_text("5ec2e7\n")
    return state


@pytest.mark.parametrize("folder", ["/home/o'dev/my state", '/a "b"/$HOME/`id`', "/new\nline", "/-rf *"])
def test_a_shell_reads_any_path_as_one_word(folder: str) -> None:
    line = hook_command(Path(folder), "claude-code", "Stop")

    assert shlex.split(line) == ["sh", f"{folder}/hook.sh", "claude-code", "Stop", "2>/dev/null", "||", "true"]


def test_the_script_and_its_settings_are_for_their_owner_alone(state: StateDir) -> None:
    before = os.umask(0)
    try:
        assert write_hook_script(state)
    finally:
        os.umask(before)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in state.root.iterdir() if path != state.secret}
    assert modes == {"hook.sh": 0o700, "hook.curl": 0o600}


def test_what_hooks_receive_is_kept_only_for_agents_that_store_nothing_else(state: StateDir) -> None:
    write_hook_script(state)

    kept = re.findall(r" spool=(\S+) ;;", (state.root / "hook.sh").read_text())
    assert kept == [spec.id for spec in specs() if spec.is_spooled]


def test_what_was_changed_or_lost_is_put_back(state: StateDir) -> None:
    write_hook_script(state)
    script, settings = state.root / "hook.sh", state.root / "hook.curl"
    right = script.read_bytes(), settings.read_bytes()
    theirs = state.root / "theirs.sh"
    script.rename(theirs).write_text("#!/bin/sh\nexit 1\n")
    theirs.chmod(0o777)
    script.symlink_to(theirs)
    settings.unlink()

    assert write_hook_script(state)
    assert (script.read_bytes(), settings.read_bytes()) == right
    assert theirs.read_text() == "#!/bin/sh\nexit 1\n" and not script.is_symlink()
    assert stat.S_IMODE(script.stat().st_mode) == 0o700


def test_the_answers_that_0_1_0_kept_go_when_the_script_no_longer_prints_them(state: StateDir) -> None:
    former = state.root / "restore" / "codex" / "startup" / "home" / "dev" / "shop" / ".answer"
    former.parent.mkdir(parents=True)
    former.write_text("# [CARRYOVER] of then\n")
    newest = state.root / "handoff.md"
    newest.write_text("# [CARRYOVER] Last updated 2026\n")

    write_hook_script(state)

    assert not (state.root / "restore").exists() and not newest.exists()
    assert not write_hook_script(state)


def test_what_else_is_in_a_folder_of_that_name_stays(state: StateDir) -> None:
    """`CARRYOVER_HOME` may name a folder in which the user has other things."""
    theirs = [state.root / "restore" / name for name in ("photo.jpg", "2024/a/.answer", "codex/notes.txt")]
    theirs.append(state.root / "handoff.md")
    for path in theirs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    write_hook_script(state)

    assert all(path.exists() for path in theirs)


@pytest.mark.parametrize("name", ["hook.sh", "hook.curl"])
def test_a_change_of_either_file_is_reported(state: StateDir, name: str) -> None:
    assert write_hook_script(state)
    assert not write_hook_script(state)
    (state.root / name).unlink()

    assert write_hook_script(state)
