"""After an uninstall every file is byte for byte as it would be without Carryover."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from carryover.adapter.spec import HookEntry
from carryover.config import ProjectSettings
from carryover.install.apply import apply
from carryover.install.config_file import Settings, plan_config
from carryover.install.hook_edits import Stub, ToolHooks, plan_hooks
from carryover.install.hook_files import HookFile
from carryover.install.record import load_record
from carryover.install.uninstall import Uninstalled, carry_out, plan_uninstall
from carryover.paths import StateDir
from carryover.publish.project_files import publish
from carryover.publish.published import PublishedProject, remember
from support.one_prompt import ledger_with_prompt
from support.repository import repository


@pytest.fixture
def state(home: Path) -> StateDir:
    return StateDir(home / ".carryover")


@pytest.fixture
def config(home: Path) -> Path:
    return home / ".claude" / "settings.json"


def install(state: StateDir, config: Path) -> None:
    script = state.root / "hook.sh"
    stub = Stub(script, lambda tool, event: f"sh {script} {tool} {event} 2>/dev/null || true")
    tool = ToolHooks("claude-code", "Claude Code", config, (HookEntry(event="Stop", timeout_s=5),))
    edits = [*plan_hooks([tool], load_record(state), stub), plan_config(state, Settings(selected=("claude-code",)))]
    assert [done.problem for done in apply(edits, state)] == [None, None]
    for name in ("hook.sh", "hook.curl", "ledger.sqlite-wal", "daemon.lock"):
        (state.root / name).touch()


def published(state: StateDir, root: Path, settings: ProjectSettings | None = None) -> None:
    settings = settings or ProjectSettings()
    assert publish(root, "the handoff\n", settings).refusal is None
    remember(state.root, PublishedProject(str(root), str(settings.folder or root / ".carryover")))


def tree(top: Path) -> dict[str, bytes | None]:
    """Every file and its bytes, every folder and None."""
    return {
        str(path.relative_to(top)): path.read_bytes() if path.is_file() else None for path in sorted(top.rglob("*"))
    }


def uninstall(state: StateDir, home: Path, *, purge: bool, usual: tuple[tuple[str, HookFile], ...] = ()) -> Uninstalled:
    return carry_out(plan_uninstall(state, purge=purge, home=home, usual=usual), state)


@pytest.fixture
def before(home: Path) -> Iterator[dict[str, bytes | None]]:
    """A home folder with settings and projects of several kinds; afterwards it has to be as it was."""
    (home / ".claude").mkdir()
    (home / ".claude" / "settings.json").write_bytes(b'{"hooks":{},\r\n"model": "opus"}')
    repository(home / "shared", {"CLAUDE.md": "Be Claude.", ".gitignore": "*.pyc"})
    repository(home / "private", {"a.py": "1\n"})
    (home / "plain").mkdir()
    (home / "apart").mkdir()
    found = tree(home)
    yield found
    assert tree(home) == found


def test_a_purge_leaves_no_trace(before: object, state: StateDir, config: Path, home: Path) -> None:
    install(state, config)
    published(state, home / "shared")
    published(state, home / "private", ProjectSettings(pointers="private"))
    published(state, home / "plain")
    published(state, home / "apart", ProjectSettings(folder=home / "handoffs" / "apart-12345678"))

    done = uninstall(state, home, purge=True)

    assert done.left == ()
    (home / "handoffs").rmdir()  # the folder the user named


def test_it_works_when_the_settings_of_carryover_are_gone(
    before: object, state: StateDir, config: Path, home: Path
) -> None:
    install(state, config)
    published(state, home / "shared")
    state.config.write_text("what = [")

    assert uninstall(state, home, purge=True).left == ()


def test_settings_that_were_made_go_with_their_folder(state: StateDir, config: Path, home: Path) -> None:
    nothing = tree(home)
    install(state, config)
    assert config.exists()

    uninstall(state, home, purge=True)

    assert tree(home) == nothing


def test_without_purge_only_the_hooks_and_their_script_go(state: StateDir, config: Path, home: Path) -> None:
    install(state, config)
    published(state, repository(home / "app"))
    kept = {name for name in tree(home) if name.startswith(("app", ".carryover"))}

    done = uninstall(state, home, purge=False)

    assert ([path.name for path in done.removed], done.left) == (["hook.sh", "hook.curl"], ())
    gone = {".carryover/hook.sh", ".carryover/hook.curl", ".carryover/edits.json", ".carryover/edits.lock"}
    assert {name for name in tree(home) if name.startswith(("app", ".carryover", ".claude"))} == kept - gone


def test_everything_is_listed_first_and_listing_changes_nothing(state: StateDir, config: Path, home: Path) -> None:
    install(state, config)
    published(state, repository(home / "app"))
    before = tree(home)

    plan = plan_uninstall(state, purge=True, home=home)

    assert tree(home) == before
    assert [str(edit.path.relative_to(home)) for edit in plan.edits if edit.changes] == [
        ".claude/settings.json",
        "app/AGENTS.md",
        "app/.gitignore",
    ]
    assert [(str(removal.path.relative_to(home)), removal.what) for removal in plan.removals] == [
        ("app/.carryover/handoff.md", f"the handoff of {home / 'app'}"),
        ("app/.carryover/edited", f"the handoff of {home / 'app'}"),
        ("app/.carryover", f"the handoff of {home / 'app'}"),
        (".carryover/ledger.sqlite-wal", "the ledger"),
        (".carryover/hook.sh", "the hooks' script"),
        (".carryover/hook.curl", "the hooks' script"),
        (".carryover/daemon.lock", "the daemon's lock"),
        (".carryover/config.toml", "your settings"),
        (".carryover/projects.jsonl", "the list of projects"),
        (".carryover/edits.json", "the record of edits"),
        (".carryover/edits.lock", "the record of edits"),
        (".carryover", "the state folder"),
    ]


def test_hooks_are_found_without_the_record(state: StateDir, config: Path, home: Path) -> None:
    install(state, config)
    (state.root / "edits.json").unlink()
    other = home / ".cursor" / "hooks.json"
    usual = (("claude-code", HookFile(config, "nested")), ("cursor", HookFile(other, "flat")))

    done = uninstall(state, home, purge=True, usual=usual)

    assert ([entry.edit.path for entry in done.applied], done.left) == ([config], ())
    assert (config.read_bytes(), state.root.exists()) == (b"{}\n", False)


def test_the_state_folder_is_not_made_by_an_uninstall(state: StateDir, config: Path, home: Path) -> None:
    install(state, config)
    for path in sorted(state.root.rglob("*"), reverse=True):
        path.unlink()
    state.root.rmdir()

    uninstall(state, home, purge=False, usual=(("claude-code", HookFile(config, "nested")),))

    assert (config.read_bytes(), state.root.exists()) == (b"{}\n", False)


def test_settings_that_do_not_parse_are_left_and_can_be_done_later(state: StateDir, config: Path, home: Path) -> None:
    install(state, config)
    hooked = config.read_bytes()
    config.write_bytes(b"// mine\n" + hooked)

    done = uninstall(state, home, purge=True)

    script = state.root / "hook.sh"
    assert done.left == (
        f"{config} is left alone: it is not valid JSON (line 1, column 1: a comment, which JSON does not have). "
        f"Take out the hooks that run {script} by hand.",
        f"{state.root} stays: Directory not empty.",
    )
    assert [path.name for path in state.root.iterdir()] == ["edits.json"]

    config.write_bytes(hooked)
    assert uninstall(state, home, purge=True).left == ()
    assert (config.exists(), state.root.exists()) == (False, False)


def test_what_is_not_ours_stays_and_is_named(state: StateDir, config: Path, home: Path) -> None:
    install(state, config)
    published(state, repository(home / "app"))
    (home / "app" / ".carryover" / "notes.txt").write_text("mine")
    (state.root / "notes.txt").write_text("mine")
    hooks = config.read_text()
    config.write_text(hooks.replace("|| true", "|| true; say done"))

    plan = plan_uninstall(state, purge=True, home=home)
    carry_out(plan, state)

    assert plan.notes == (
        f"{config} (Stop): the hook that runs Carryover was edited by hand. It stays; take it out yourself.",
        f"{state.root} stays: it holds notes.txt, which is not Carryover's.",
        f"{home / 'app' / '.carryover'} stays: it holds notes.txt, which is not Carryover's.",
    )
    assert [path.name for path in (home / "app" / ".carryover").iterdir()] == ["notes.txt"]
    assert "say done" in config.read_text()


def test_a_project_that_is_gone_is_named(state: StateDir, home: Path) -> None:
    remember(state.root, PublishedProject("/mnt/stick/app", "/mnt/stick/app/.carryover"))

    assert plan_uninstall(state, purge=True, home=home).notes == (
        "/mnt/stick/app is gone, not mounted or closed to you. What Carryover put there is still in it.",
    )


def test_a_project_that_may_not_be_entered_is_named_and_keeps_nothing_else(
    state: StateDir, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may enter every folder, so the refusal is made up."""
    locked = home / "locked"
    remember(state.root, PublishedProject(str(locked / "app"), str(locked / "app/.carryover")))
    stat = Path.stat

    def refusing(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.is_relative_to(locked):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return stat(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", refusing)

    plan = plan_uninstall(state, purge=True, home=home)

    assert plan.notes == (
        f"{locked / 'app'} is gone, not mounted or closed to you. What Carryover put there is still in it.",
    )
    assert carry_out(plan, state).left == ()


def test_a_damaged_ledger_is_named_and_goes(state: StateDir, home: Path) -> None:
    state.root.mkdir()
    state.ledger.write_bytes(b"not a database" * 1000)

    plan = plan_uninstall(state, purge=True, home=home)

    assert plan.notes == ("The ledger can't be read. Projects that only the ledger knows keep their handoff.",)
    assert carry_out(plan, state).left == ()


async def test_projects_are_found_in_the_ledger_too(state: StateDir, home: Path) -> None:
    root = repository(home / "app")
    state.root.mkdir()
    await ledger_with_prompt(state.ledger, root)
    assert publish(root, "the handoff\n", ProjectSettings()).refusal is None

    done = uninstall(state, home, purge=True)

    assert (done.left, state.root.exists(), [path.name for path in root.iterdir()]) == ((), False, [".git"])
