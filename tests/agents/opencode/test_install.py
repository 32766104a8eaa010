"""The entry in opencode's settings: planned, recorded, checked, moved and taken out again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from carryover.actions.uninstalling import uninstall
from carryover.agents.opencode import SPEC
from carryover.config import Config
from carryover.install.agent_settings import entry_report, with_config_files
from carryover.install.detect import Detection, detect
from carryover.install.machine import Machine
from carryover.install.setup import plan_agents, plan_choices
from carryover.outside.apply import Edit, apply
from carryover.outside.journal import load_journal
from carryover.paths import StateDir

MINE = b'{\n  // mine\n  "model": "x/y",\n}\n'


@pytest.fixture
def home(home: Path) -> Path:
    (home / ".config/opencode").mkdir(parents=True)
    return home


@pytest.fixture
def state(home: Path) -> StateDir:
    return StateDir(home / ".carryover")


def settings(home: Path, name: str = "opencode.json") -> Path:
    return home / ".config/opencode" / name


def detected(home: Path) -> Detection:
    return detect(SPEC, Machine(home=home, env={"PATH": ""}, platform="linux"))


def planned(home: Path, state: StateDir, selected: Sequence[str] = ("opencode",)) -> tuple[Edit, ...]:
    found = with_config_files([detected(home)], [state.hook_script])
    return (*plan_agents(state, found, selected), plan_choices(state, found, selected, config=Config()))


def install(home: Path, state: StateDir, selected: Sequence[str] = ("opencode",)) -> list[str]:
    return [done.problem for done in apply(planned(home, state, selected), state) if done.problem]


def present(home: Path, state: StateDir) -> tuple[bool, str]:
    report = entry_report(*with_config_files([detected(home)], [state.hook_script]))
    assert report is not None
    return report.present, report.problem or ""


@pytest.mark.parametrize("name", ["config.json", "opencode.json", "opencode.jsonc"])
def test_the_entry_goes_into_the_file_that_is_there_and_leaves_it(home: Path, state: StateDir, name: str) -> None:
    file = settings(home, name)
    file.write_bytes(MINE)

    assert install(home, state) == []
    assert present(home, state) == (True, "")
    assert [edit.changes for edit in planned(home, state)] == [False, False]
    assert uninstall(purge=True).notes == ()
    assert file.read_bytes() == MINE
    assert [path.name for path in file.parent.iterdir()] == [name]


def test_the_last_file_with_a_list_counts_and_the_entry_moves_there(home: Path, state: StateDir) -> None:
    settings(home).write_bytes(MINE)
    install(home, state)
    later = settings(home, "opencode.jsonc")
    later.write_text('{"instructions": ["docs/a.md"]}')

    assert present(home, state) == (False, "")
    assert install(home, state) == []
    assert later.read_text() == '{"instructions": ["docs/a.md", ".carryover/handoff-opencode.md"]}'
    assert settings(home).read_bytes() == MINE
    assert [Path(file.path).name for file in load_journal(state).settings] == ["opencode.jsonc"]


def test_broken_settings_are_left_alone_and_named(home: Path, state: StateDir) -> None:
    settings(home).write_bytes(MINE)
    broken = settings(home, "opencode.jsonc")
    broken.write_bytes(b'{"instructions": [')
    [problem] = install(home, state)

    assert problem.startswith(f"{broken} is left alone: it is not valid JSON")
    assert (broken.read_bytes(), settings(home).read_bytes()) == (b'{"instructions": [', MINE)
    assert present(home, state)[1].startswith(f"{broken} can't be used")
