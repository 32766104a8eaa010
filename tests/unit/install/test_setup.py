from __future__ import annotations

import plistlib
import re
import shutil
from pathlib import Path

from msgspec.structs import replace
from packaging.version import Version

import carryover
from carryover.agents.claude_code.adapter import AGENT
from carryover.agents.codex.spec import SPEC as CODEX
from carryover.config import Config
from carryover.install.agent_settings import wanted_settings
from carryover.install.detect import Detection, hooks_for
from carryover.install.setup import plan_setup
from carryover.outside.apply import apply
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
    both = ("claude-code", "codex")

    assert [wanted.spec.id for wanted in wanted_settings([claude(home), missing], both)] == ["claude-code"]
    assert wanted_settings([claude(home)], ()) == ()
    assert wanted_settings([older], ("claude-code",)) == ()


def test_hooks_whose_record_was_lost_are_recorded_again(home: Path) -> None:
    state = StateDir(home / ".carryover")
    for _ in range(2):
        setup = plan_setup(state, [claude(home)], ("claude-code",), config=Config(), resume_mode=None, service=None)
        apply(setup.edits, state)
        record = state.root / "journal.jsonl"
        assert record.exists()
        record.unlink()


def test_variables_are_recorded_for_the_selected_only_and_forgotten_with_them(home: Path) -> None:
    state = StateDir(home / ".carryover")
    moved = claude(home, overrides={"CLAUDE_CONFIG_DIR": str(home / ".claude")})
    for selected, recorded in ((("claude-code",), True), ((), False)):
        setup = plan_setup(state, [moved], selected, config=Config(), resume_mode=None, service=None)
        apply(setup.edits, state)
        assert ("CLAUDE_CONFIG_DIR" in state.config.read_text()) is recorded


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
    setup = plan_setup(state, [moved], ("codex",), config=Config(), resume_mode=None, service=None)
    apply(setup.edits, state)
    before, record = state.config.read_text(), load_journal(state).settings
    shutil.rmtree(home / "work")

    lost = replace(moved, lost_folder=home / "work")
    setup = plan_setup(state, [lost], ("codex",), config=Config(), resume_mode=None, service=None)
    apply(setup.edits, state)

    assert (setup.hooks, (home / "work").exists()) == ((), False)
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
