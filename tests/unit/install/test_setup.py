from __future__ import annotations

import plistlib
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace
from packaging.version import Version

import carryover
from carryover.agents.claude_code.adapter import AGENT
from carryover.agents.codex import SPEC as CODEX
from carryover.config import Config, load_config
from carryover.install.agent_settings import settings_file, with_config_files
from carryover.install.detect import Detection, hooks_for
from carryover.install.setup import plan_agents, plan_choices
from carryover.outside.apply import Edit, apply
from carryover.outside.journal import load_journal
from carryover.paths import StateDir


def claude(home: Path, **more: object) -> Detection:
    _, hook_set = hooks_for(AGENT.spec, Version("2.1.328"))
    facts = {
        "state": "ok",
        "version_text": "2.1.328",
        "config": home / ".claude/settings.json",
        "roots": (home / ".claude/projects",),
        "hook_set": hook_set,
    }
    return Detection(spec=AGENT.spec, **{**facts, **more})  # type: ignore[arg-type]


def test_only_agents_that_are_selected_and_here_get_hooks(home: Path) -> None:
    older, missing = claude(home, state="older", hook_set=None), Detection(spec=CODEX, state="missing")
    state = StateDir(home / ".carryover")

    assert [settings_file(found) is not None for found in (claude(home), older, missing)] == [True, False, False]
    assert plan_agents(state, [claude(home)], ()) == ()
    assert plan_agents(state, [older, missing], ("claude-code", "codex")) == ()


def plan_setup(state: StateDir, found: Detection, selected: Sequence[str]) -> tuple[Edit, ...]:
    [agent] = with_config_files([found], [state.hook_script])
    return (*plan_agents(state, [agent], selected), plan_choices(state, [agent], selected, config=Config()))


def test_hooks_whose_record_was_lost_are_recorded_again(home: Path) -> None:
    state = StateDir(home / ".carryover")
    for _ in range(2):
        apply(plan_setup(state, claude(home), ["claude-code"]), state)
        record = state.root / "journal.jsonl"
        assert record.exists()
        record.unlink()


def test_of_a_home_folder_that_was_copied_the_hooks_of_the_former_one_go(home: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    config = old / ".claude/settings.json"
    config.parent.mkdir(parents=True)
    config.write_text('{"model": "opus"}')
    apply(plan_setup(StateDir(old / ".carryover"), claude(old), ["claude-code"]), StateDir(old / ".carryover"))
    shutil.copytree(old, home, dirs_exist_ok=True)
    shutil.rmtree(old)
    state, new = StateDir(home / ".carryover"), home / ".claude/settings.json"
    assert f"{old}/.carryover/hook.sh" in new.read_text()

    apply(plan_setup(state, claude(home), ["claude-code"]), state)
    assert str(old) not in new.read_text()
    assert f"{state.hook_script}" in new.read_text()


def test_variables_are_recorded_for_the_selected_only_and_forgotten_with_them(home: Path) -> None:
    state = StateDir(home / ".carryover")
    moved = claude(home, overrides={"CLAUDE_CONFIG_DIR": str(home / ".claude")})
    for selected, recorded in ((["claude-code"], True), ([], False)):
        apply(plan_setup(state, moved, selected), state)
        assert ("CLAUDE_CONFIG_DIR" in state.config.read_text()) is recorded


def test_what_was_recorded_of_an_agent_whose_package_is_gone_is_forgotten(home: Path) -> None:
    state = StateDir(home / ".carryover")
    apply(plan_setup(state, claude(home), ["claude-code"]), state)
    before = state.config.read_text()
    state.config.write_text(f'{before}\n[agents.scribbler]\nversions = ["1.4"]\n')

    apply([plan_choices(state, [claude(home)], ["claude-code"], config=load_config(state.config))], state)
    assert state.config.read_text() == before


def test_where_its_folder_is_lost_nothing_is_written_and_nothing_that_is_known_is_forgotten(home: Path) -> None:
    state = StateDir(home / ".carryover")
    moved = Detection(
        spec=CODEX,
        state="ok",
        config=home / "work/hooks.json",
        overrides={"CODEX_HOME": str(home / "work")},
        hook_set=CODEX.hooks.sets[-1],
        home=home,
    )
    apply(plan_setup(state, moved, ["codex"]), state)
    before, record = state.config.read_text(), load_journal(state).settings
    shutil.rmtree(home / "work")

    lost = replace(moved, lost_folder=home / "work")
    [choices] = plan_setup(state, lost, ["codex"])
    apply([choices], state)

    assert (choices.path, (home / "work").exists()) == (state.config, False)
    assert (state.config.read_text(), load_journal(state).settings) == (before, record)
    assert "CODEX_HOME" in before


PACKAGING = Path(__file__).parents[3] / "packaging"
TEMPLATES = ("carryoverd.service", "com.carryover.carryoverd.plist")


def test_the_files_for_packagers_are_the_templates_and_every_setting_is_explained() -> None:
    templates = Path(carryover.__file__).parent / "install"
    assert all((PACKAGING / name).resolve() == (templates / name).resolve() for name in TEMPLATES)

    explained = (PACKAGING / "README.md").read_text()
    unit = set(re.findall(r"^(\w+)=", (PACKAGING / TEMPLATES[0]).read_text(), re.MULTILINE))
    agent = set(plistlib.loads((PACKAGING / TEMPLATES[1]).read_bytes()))
    plain = {"Description", "ExecStart", "Label", "ProgramArguments", "EnvironmentVariables"}

    assert sorted(name for name in (unit | agent) - plain if f"`{name}" not in explained) == []
