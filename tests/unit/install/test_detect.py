"""What is found of an agent on a machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from packaging.version import Version

from carryover.adapter.spec import LINUX, HookEntry, HookSet
from carryover.agents.claude_code import SPEC
from carryover.agents.codex import SPEC as REAL_CODEX
from carryover.agents.cursor import SPEC as REAL_CURSOR
from carryover.config import AgentsConfig
from carryover.install.detect import (
    Detection,
    detect,
    detect_all,
    hooks_for,
    hooks_for_unknown,
    newly_covered,
)
from carryover.install.machine import Machine
from support.tools import CODEX, CURSOR, program, versioned, with_sets

SYSTEM_PATH = "/usr/bin:/bin"


@pytest.fixture
def bin_folder(home: Path) -> Path:
    return home / "path-bin"


@pytest.fixture
def machine(home: Path, bin_folder: Path) -> Machine:
    return Machine(home=home, env={"PATH": str(bin_folder)}, platform=LINUX, root=home / "system")


def with_env(machine: Machine, **env: str) -> Machine:
    return Machine(home=machine.home, env={**machine.env, **env}, platform=machine.platform, root=machine.root)


def test_a_known_version_on_path_and_another_copy(machine: Machine, home: Path, bin_folder: Path) -> None:
    versioned(bin_folder / "claude", "2.1.328 (Claude Code)")
    other = versioned(home / ".local/bin/claude", "2.0.65 (Claude Code)")

    assert detect(SPEC, machine) == Detection(
        spec=SPEC,
        state="ok",
        binary=bin_folder / "claude",
        on_path=True,
        version=Version("2.1.328"),
        version_text="2.1.328",
        versions=("2.1.328",),
        others=(other,),
        config=home / ".claude/settings.json",
        roots=(home / ".claude/projects",),
        hook_set=SPEC.hooks.sets[-1],
        home=home,
    )


@pytest.mark.parametrize(
    ("answer", "state", "hook_set"),
    [
        ("1.0.47 (Claude Code)", "older", None),
        ("2.0.65 (Claude Code)", "ok", SPEC.hooks.sets[2]),
        ("3.0.1 (Claude Code)", "newer", SPEC.hooks.sets[-1]),
        ("no idea", "unreadable", hooks_for_unknown(SPEC)),
    ],
)
def test_the_version_decides_the_hooks(
    machine: Machine, bin_folder: Path, answer: str, state: str, hook_set: object
) -> None:
    versioned(bin_folder / "claude", answer)

    found = detect(SPEC, machine)

    assert (found.state, found.hook_set, found.found) == (state, hook_set, True)


def test_a_folder_alone_tells_that_the_agent_is_used_and_an_earlier_version_counts(
    machine: Machine, home: Path
) -> None:
    """Inside an editor there is no command."""
    (home / ".claude").mkdir()

    found = detect(SPEC, machine)

    assert (found.state, found.binary, found.folder) == ("unreadable", None, home / ".claude")
    assert found.problem == "no `claude` command on PATH or in the usual places"
    assert found.hook_set == hooks_for_unknown(SPEC)

    known = detect(SPEC, machine, ("2.1.328",))
    assert (known.state, known.version_text, known.versions) == ("ok", "2.1.328", ("2.1.328",))
    assert (known.hook_set, known.remembered) == (SPEC.hooks.sets[-1], found.problem)
    assert (known.binary, known.problem) == (None, "")


def test_a_command_beside_path_runs_with_the_node_that_lies_beside_it(machine: Machine, home: Path) -> None:
    folder = home / ".nvm/versions/node/v22.3.0/bin"
    program(folder / "node", 'echo "2.1.328 (Claude Code)"')
    program(folder / "claude", "exec node cli.js --version")

    found = detect(SPEC, machine)

    assert (found.version_text, found.binary, found.on_path) == ("2.1.328", folder / "claude", False)


def test_a_variable_moves_everything_and_is_reported(machine: Machine, home: Path, bin_folder: Path) -> None:
    moved = home / "conf"
    moved.mkdir()
    program(bin_folder / "claude", 'echo "2.1.$(basename "$CLAUDE_CONFIG_DIR" | wc -c) (Claude Code)"')

    found = detect(SPEC, with_env(machine, PATH=f"{bin_folder}:{SYSTEM_PATH}", CLAUDE_CONFIG_DIR=str(moved), TOKEN="x"))

    assert (found.config, found.roots) == (moved / "settings.json", (moved / "projects",))
    assert (found.folder, found.overrides) == (moved, {"CLAUDE_CONFIG_DIR": str(moved)})
    assert found.version_text == "2.1.5"


@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to("gone")], ids=["a file", "a dangling link"])
def test_the_first_settings_file_that_exists_is_taken(machine: Machine, home: Path, make: object) -> None:
    second = home / ".config/cursor/hooks.json"
    second.parent.mkdir(parents=True)

    assert detect(CURSOR, machine).config == home / ".cursor/hooks.json"
    make(second)  # type: ignore[operator]
    assert detect(CURSOR, machine).config == second


def test_tools_are_asked_at_the_same_time_and_answer_in_their_order(
    machine: Machine, home: Path, bin_folder: Path
) -> None:
    """Each waits for the other to have begun, so one after the other would never end."""
    for mine, others in (("claude", "codex"), ("codex", "claude")):
        meet = f"touch {mine}.here; until [ -e {others}.here ]; do :; done"
        program(bin_folder / mine, meet, "echo '2.1.328 (both)'")

    both = detect_all((SPEC, CODEX), with_env(machine, PATH=f"{bin_folder}:{SYSTEM_PATH}"))

    assert [(found.spec.id, found.state) for found in both] == [("claude-code", "ok"), ("codex", "ok")]


def test_programs_that_read_the_same_settings_get_only_hooks_that_all_of_them_know(
    machine: Machine, bin_folder: Path
) -> None:
    versioned(bin_folder / "cursor-agent", "2026.09.10-fd3934a")
    versioned(bin_folder / "cursor", "3.12.17")

    found = detect(REAL_CURSOR, machine)

    assert (found.state, found.version_text, found.binary) == ("ok", "2026.09.10", bin_folder / "cursor-agent")
    assert found.others == (bin_folder / "cursor",)
    assert found.hook_set is not None
    assert found.hook_set.events == ("sessionStart", "stop")

    versioned(bin_folder / "cursor", "1.6.2")
    found = detect(REAL_CURSOR, machine)
    assert (found.state, found.version_text, found.hook_set) == ("older", "1.6.2", None)
    assert (found.binary, found.others) == (bin_folder / "cursor", (bin_folder / "cursor-agent",))


def test_a_folder_that_a_variable_names_and_that_is_not_there_is_reported(
    machine: Machine, home: Path, bin_folder: Path
) -> None:
    versioned(bin_folder / "codex", "codex-cli 0.169.0")
    lost = detect(REAL_CODEX, with_env(machine, CODEX_HOME=str(home / "gone")))

    assert (lost.state, lost.lost_folder, lost.lost_by) == ("ok", home / "gone", "CODEX_HOME")
    assert (detect(REAL_CODEX, machine).lost_folder, detect(REAL_CODEX, machine).lost_by) == (None, "")
    (home / "gone").mkdir()
    assert detect(REAL_CODEX, with_env(machine, CODEX_HOME=str(home / "gone"))).lost_folder is None


FIRST, SECOND = CURSOR.hooks.sets


@given(
    numbers=st.lists(st.integers(0, 12), min_size=1, max_size=3),
    suffix=st.sampled_from(["", "a1", "b2", "rc1", ".post1", ".dev3", "+local"]),
)
def test_pre_and_post_releases_are_taken_for_the_version_they_belong_to(numbers: list[int], suffix: str) -> None:
    bare = ".".join(map(str, numbers))

    assert hooks_for(CURSOR, Version(bare + suffix)) == hooks_for(CURSOR, Version(bare))


def test_an_unknown_version_gets_the_common_events_of_versions_that_can_inject_or_the_newest_hooks() -> None:
    third = HookSet(since="3", hooks=(*SECOND.hooks, HookEntry(event="later", timeout_s=5)))
    spec = with_sets(CURSOR, FIRST, SECOND, third)

    assert hooks_for_unknown(spec) == SECOND

    renamed = HookSet(since="3", hooks=(HookEntry(event="SessionStart", timeout_s=5),))
    spec = with_sets(CURSOR, FIRST, SECOND, renamed, injects_on=("sessionStart", "SessionStart"))
    assert hooks_for_unknown(spec) == renamed


def test_where_an_unknown_event_costs_every_hook_an_unknown_version_gets_what_all_have() -> None:
    found = hooks_for_unknown(REAL_CURSOR)

    assert found is not None and found.events == ("stop",)


@pytest.mark.parametrize(
    ("selected", "known", "found"),
    [
        (("claude-code",), ("claude-code",), ("codex",)),
        (("claude-code",), ("claude-code", "codex"), ()),
        (("codex",), (), ("claude-code",)),
        (None, None, ()),
    ],
    ids=["unknown", "refused", "selected", "never installed"],
)
def test_an_agent_is_new_until_install_or_refresh_has_seen_it(
    selected: tuple[str, ...] | None, known: tuple[str, ...] | None, found: tuple[str, ...]
) -> None:
    agents = AgentsConfig(selected=selected, known=known)
    both = [Detection(spec=spec, state="ok") for spec in (SPEC, REAL_CODEX)]

    assert newly_covered(both, agents) == found
    assert newly_covered([replace(one, state="missing") for one in both], agents) == ()
