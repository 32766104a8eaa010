"""After an uninstall every file is byte for byte as it would be without Carryover."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from carryover.actions.uninstalling import plan_removal, project_edits, state_files, uninstall
from carryover.adapter.spec import HookEntry
from carryover.agents.claude_code import SPEC
from carryover.config import ProjectSettings
from carryover.install.config_file import plan_config
from carryover.install.setup import plan_agents
from carryover.outside.apply import apply
from carryover.outside.journal import load_journal, write_down
from carryover.outside.listed import handoff_folder, in_project
from carryover.paths import StateDir
from carryover.probe.looks import presume_silent
from carryover.publish.pointers import NEW_FILE
from carryover.publish.store import ignore_itself
from carryover.redact import CleanText
from support.detected import detected
from support.publishing import publish, withdraw
from support.repository import git, repository
from support.shared_rule import add_shared_rule


@pytest.fixture
def state(home: Path) -> StateDir:
    return StateDir(home / ".carryover")


@pytest.fixture
def config(home: Path) -> Path:
    return home / ".claude" / "settings.json"


def install(state: StateDir, config: Path) -> None:
    tool = detected(SPEC, config, (HookEntry(event="Stop", timeout_s=5),))
    edits = [
        *plan_agents(state, [tool], {"claude-code"}),
        plan_config(state, {("agents", "selected"): ["claude-code"]}),
    ]
    assert [done.problem for done in apply(edits, state)] == [None, None]
    state.sync.mkdir()
    for name in ("hook.sh", "hook.curl", "ledger.sqlite-wal", "daemon.lock", "sync/key.json", "continue.command"):
        (state.root / name).touch()


def published(state: StateDir, root: Path, settings: ProjectSettings | None = None) -> None:
    settings = settings or ProjectSettings()
    assert publish(root, CleanText("the handoff\n"), settings).refusal is None
    write_down(state.root, handoff_folder(root / ".carryover", root))


def left_by_an_earlier_version(state: StateDir, root: Path, folder: Path) -> None:
    """A handoff that it kept outside of the project, with `pointers = "off"` or in `publish.folder`."""
    folder.mkdir(parents=True)
    (folder / "handoff.md").write_text("the handoff\n")
    write_down(state.root, handoff_folder(folder, root))


def tree(top: Path) -> dict[str, bytes | None]:
    """Every file and its bytes, every folder and None."""
    return {
        str(path.relative_to(top)): path.read_bytes() if path.is_file() else None for path in sorted(top.rglob("*"))
    }


@pytest.fixture
def before(home: Path) -> Iterator[dict[str, bytes | None]]:
    """A home folder with settings and projects of several kinds; afterwards it has to be as it was."""
    (home / ".claude").mkdir()
    (home / ".claude" / "settings.json").write_bytes(b'{"hooks":{},\r\n"model": "opus"}')
    repository(home / "shared", {"CLAUDE.md": "Be Claude.", ".gitignore": "*.pyc"})
    info = repository(home / "private", {"a.py": "1\n"}) / ".git" / "info"
    shutil.rmtree(info)  # as where git's template has none
    empty = repository(home / "empty", {"a.py": "1\n"}) / ".git" / "info"
    shutil.rmtree(empty)
    empty.mkdir()
    (home / "plain").mkdir()
    (home / "apart").mkdir()
    found = tree(home)
    yield found
    assert tree(home) == found


def test_a_purge_leaves_no_trace(before: object, state: StateDir, config: Path, home: Path) -> None:
    install(state, config)
    published(state, home / "shared")
    published(state, home / "private", ProjectSettings(pointers="local"))
    published(state, home / "empty", ProjectSettings(pointers="local"))
    published(state, home / "plain")
    left_by_an_earlier_version(state, home / "apart", home / "handoffs" / "apart-12345678")

    done = uninstall(purge=True)

    assert done.notes == ()


def test_a_purge_takes_the_state_folders_own_ignore_file_and_no_other(state: StateDir) -> None:
    state.root.mkdir(mode=0o700, exist_ok=True)
    ignore_itself(state.root)
    assert state.root / ".gitignore" in dict(state_files(state))

    (state.root / ".gitignore").write_text("config.toml\n")
    assert state.root / ".gitignore" not in dict(state_files(state))


def test_without_purge_only_the_hooks_and_their_script_go(state: StateDir, config: Path, home: Path) -> None:
    install(state, config)
    published(state, repository(home / "app"))
    before = set(tree(home))

    assert uninstall(purge=False).notes == ()

    gone = {f".carryover/{name}" for name in ("hook.sh", "hook.curl", "edits.lock")}
    assert before - set(tree(home)) == {".claude", ".claude/settings.json", *gone}


def test_pointers_that_stay_without_a_purge_are_named(state: StateDir, home: Path) -> None:
    for number in range(5):
        published(state, repository(home / f"app{number}"))
    published(state, repository(home / "hidden"), ProjectSettings(pointers="local"))
    roots = ", ".join(str(home / f"app{number}") for number in range(3))

    assert plan_removal(purge=False).notes == (
        f"Pointers stay in {roots} and 3 more projects, to handoffs that will not change any more. To take them out "
        "and keep what was recorded, run `carryover config publish.pointers off`.",
    )
    for name in ("app1", "app2", "app3", "app4", "hidden"):
        shutil.rmtree(home / name)
    [note] = plan_removal(purge=False).notes
    assert note.startswith(f"Pointers stay in {home}/app0, to handoffs")


@pytest.mark.parametrize("is_taken_out_before", [False, True])
def test_a_pointer_that_the_user_committed_stays_as_in_a_project_that_is_paused(
    state: StateDir, home: Path, is_taken_out_before: bool
) -> None:
    """It belongs to the repository: taken out, git would show it as deleted."""
    root = repository(home / "app", {"CLAUDE.md": "Be Claude.\n"})
    published(state, root)
    git(root, "add", "AGENTS.md")
    git(root, "commit", "--quiet", "--message", "Point agents to the handoff")
    if is_taken_out_before:  # so that it is the repository's alone when it is back
        withdraw(root, ProjectSettings(pointers="off"))
        git(root, "checkout", "--quiet", "AGENTS.md")
        published(state, root)

    done = plan_removal(purge=True)
    uninstall(purge=True)

    assert done.notes == (
        f"AGENTS.md in {root}: the pointer stays, since it is committed. Delete its 7 lines if nobody uses "
        "Carryover in this project.",
    )
    assert ((root / "AGENTS.md").read_bytes(), (root / "CLAUDE.md").read_text()) == (NEW_FILE, "Be Claude.\n")
    assert git(root, "status", "--porcelain") == ""


@pytest.mark.parametrize("kind", ["committed", "committed with our rule", "in a folder"])
def test_what_came_with_a_folder_stays(state: StateDir, home: Path, kind: str) -> None:
    """A stranger's handoff, their list of files that have our text, and a text that reads as ours."""
    theirs = {".carryover/handoff.md": "# [CARRYOVER] theirs\n", ".carryover/edited": "AGENTS.md\nCLAUDE.md\n"}
    theirs |= {"AGENTS.md": NEW_FILE.decode(), "CLAUDE.md": f"Be Claude.\n\n{NEW_FILE.decode()}"}
    root = repository(home / "app", theirs)
    if kind == "committed with our rule":
        ignore_itself(root / ".carryover")
        git(root, "add", "--force", ".carryover")
    if kind == "in a folder":
        shutil.rmtree(root / ".git")
    write_down(state.root, in_project(root, ".continue/"))
    before = tree(root)

    assert uninstall(purge=True).notes == ()

    assert tree(root) == before


def test_a_project_whose_disk_does_not_answer_is_named_and_stays_listed(state: StateDir, home: Path) -> None:
    root = repository(home / "app")
    published(state, root)
    presume_silent([str(root)])

    notes = plan_removal(purge=True).notes
    uninstall(purge=True)

    assert notes == (f"{root}: its disk does not answer, so what was written there stays. Run this again later.",)
    assert [path.name for path in state.root.iterdir()] == ["journal.jsonl"], "for the next time"
    assert (root / ".carryover" / "handoff.md").exists()


def test_the_folder_for_handoffs_stays_while_something_of_the_user_s_is_in_it(
    state: StateDir, config: Path, home: Path
) -> None:
    install(state, config)
    (home / "apart").mkdir()
    left_by_an_earlier_version(state, home / "apart", home / "handoffs" / "apart-12345678")
    (home / "handoffs" / "mine.md").write_text("mine\n")

    assert uninstall(purge=True).notes == ()

    assert [path.name for path in (home / "handoffs").iterdir()] == ["mine.md"]


def test_everything_is_listed_first_and_listing_changes_nothing(state: StateDir, config: Path, home: Path) -> None:
    install(state, config)
    published(state, repository(home / "app"))
    add_shared_rule(home / "app")
    before = tree(home)

    plan = plan_removal(purge=True)

    assert tree(home) == before
    edits = [str(edit.path.relative_to(home)) for edit in plan.shown if edit.changes]
    assert edits == [".claude/settings.json", "app/AGENTS.md", "app/.gitignore", "app/.git/info/exclude"]
    names = ("handoff.md", ".gitignore", ".")
    assert [(str(path.relative_to(home)), what) for path, what in plan.removals] == [
        *((os.path.normpath(f"app/.carryover/{name}"), "the project's handoff") for name in names),
        *((f".carryover/sync{name}", "this machine's keys and its copy of the store") for name in ("/key.json", "")),
        (".carryover/ledger.sqlite-wal", "the ledger"),
        (".carryover/hook.sh", "the hooks' script"),
        (".carryover/hook.curl", "the hooks' script"),
        (".carryover/daemon.lock", "the daemon's lock"),
        (".carryover/continue.command", "what the page had a terminal run"),
        (".carryover/config.toml", "your settings"),
        (".carryover/journal.jsonl", "the journal of what was written outside"),
        (".carryover/edits.lock", "the journal of what was written outside"),
        (".carryover", "the state folder"),
    ]


def test_settings_that_do_not_parse_are_left_and_can_be_done_later(state: StateDir, config: Path, home: Path) -> None:
    install(state, config)
    hooked = config.read_bytes()
    config.write_bytes(b"# mine\n" + hooked)

    done = uninstall(purge=True)

    script = state.root / "hook.sh"
    assert done.notes == (
        f"{config} is left alone: it is not valid JSON (line 1, column 1: Expecting value). "
        f"Remove the hooks that run {script} yourself.",
        f"{state.root} stays: Directory not empty.",
    )
    assert [path.name for path in state.root.iterdir()] == ["journal.jsonl"]

    config.write_bytes(hooked)
    assert uninstall(purge=True).notes == ()
    assert (config.exists(), state.root.exists()) == (False, False)


def test_a_file_that_may_not_be_written_is_done_later(state: StateDir, config: Path, home: Path) -> None:
    root = repository(home / "app", {"AGENTS.md": "Be kind.\n"})
    install(state, config)
    published(state, root)
    write_down(state.root, in_project(root, "AGENTS.md"))
    (root / "AGENTS.md").chmod(0o444)

    done = uninstall(purge=True)

    assert done.notes[0].startswith(f"{root / 'AGENTS.md'} is left alone: it is read-only.")
    assert [path.name for path in state.root.iterdir()] == ["journal.jsonl"]

    (root / "AGENTS.md").chmod(0o644)
    assert uninstall(purge=True).notes == ()
    assert ((root / "AGENTS.md").read_text(), state.root.exists()) == ("Be kind.\n", False)


def test_what_is_not_ours_stays_and_is_named(state: StateDir, config: Path, home: Path) -> None:
    install(state, config)
    published(state, repository(home / "app"))
    (home / "app" / ".carryover" / "notes.txt").write_text("mine")
    (state.root / "notes.txt").write_text("mine")
    for folder in ("off", "shared"):
        write_down(state.root, handoff_folder(f"/gone/{folder}", "/gone"))
    config.write_text(config.read_text().replace("|| true", "|| true; say done"))

    plan = plan_removal(purge=True)
    done = uninstall(purge=True)

    assert done.notes == (), "that it stays is no failure"
    assert not {state.root, home / "app" / ".carryover"} & {path for path, _ in plan.removals}
    assert "exclude" not in {edit.path.name for edit in plan.shown}, "it stays as long as the folder does"
    assert plan.notes == (
        f"{config} (Stop): the hook that runs Carryover was edited by hand. It stays; remove it yourself.",
        "/gone is not there. If it was deleted, nothing is left to do. If it was moved and Carryover has not seen it "
        "since, or if it is not mounted or not accessible, what was added is still in it.",
        f"{state.root} stays: it holds notes.txt, which is not Carryover's.",
        f"{home / 'app' / '.carryover'} stays: it holds notes.txt, which is not Carryover's.",
    )
    for place in (state.root, home / "app" / ".carryover"):
        assert [path.name for path in place.iterdir()] == ["notes.txt"]
    assert "say done" in config.read_text()


def test_that_a_project_was_deleted_is_named_and_no_failure(state: StateDir, config: Path, home: Path) -> None:
    install(state, config)
    root = repository(home / "app")
    published(state, root)
    write_down(state.root, in_project(root, "AGENTS.md"))
    shutil.rmtree(root)

    plan = plan_removal(purge=True)

    assert [note.partition(". If")[0] for note in plan.notes] == [f"{root} is not there"]
    assert uninstall(purge=True).notes == ()


@pytest.mark.parametrize("lost", ["all", "the journal", "its lines", "some bytes"])
def test_where_the_journal_is_lost_or_damaged_it_says_that_projects_keep_what_is_in_them(
    state: StateDir, config: Path, home: Path, lost: str
) -> None:
    install(state, config)
    published(state, repository(home / "app"))
    journal = state.root / "journal.jsonl"
    if lost == "all":
        shutil.rmtree(state.root)
    elif lost == "the journal":
        journal.unlink()
    elif lost == "its lines":
        journal.write_bytes(b"")
    else:  # as after a power cut
        lines = journal.read_bytes()
        journal.write_bytes(lines[:-40] + bytes(40))

    plan = plan_removal(purge=True)

    assert config in [edit.path for edit in plan.shown if edit.changes]
    note = f"{journal} is missing or damaged: what Carryover added to projects that it does not list stays."
    assert plan.notes == (note,)
    uninstall(purge=True)
    assert plan_removal(purge=True).notes == ()


def test_settings_that_were_put_back_are_no_sign_of_a_lost_journal(state: StateDir, config: Path, home: Path) -> None:
    """A program that syncs settings between machines may restore them."""
    install(state, config)
    published(state, repository(home / "app"))
    settings = config.read_bytes()
    uninstall(purge=False)
    config.parent.mkdir(exist_ok=True)
    config.write_bytes(settings)

    assert plan_removal(purge=True).notes == ()


def test_a_project_counts_as_listed_by_each_of_its_files(before: object, state: StateDir, home: Path) -> None:
    """If a project is moved after its `.carryover` was deleted, that folder is not listed at the new path."""
    published(state, home / "plain")
    shutil.rmtree(home / "plain" / ".carryover")
    journal = state.root / "journal.jsonl"
    journal.write_bytes(b"\n".join(line for line in journal.read_bytes().split(b"\n") if b'"handoff"' not in line))

    assert uninstall(purge=True).notes == ()


def test_nothing_stays_in_a_state_folder_that_a_link_leads_to(state: StateDir, config: Path, home: Path) -> None:
    """The user moved it to another disk."""
    install(state, config)
    published(state, repository(home / "app"))
    disk = state.root.rename(home / "disk")
    state.root.symlink_to(disk)

    assert uninstall(purge=True).notes == ()

    assert (state.root.is_symlink(), list(disk.iterdir())) == (True, [])


def test_files_of_a_project_that_are_no_longer_as_they_were_made_are_left_alone(state: StateDir, home: Path) -> None:
    root = repository(home / "app", {"a.py": "1\n"})
    assert publish(root, CleanText("the handoff\n"), ProjectSettings()).refusal is None

    def block() -> tuple[bytes | None, str | None]:
        [edit] = [edit for edit in project_edits(root, load_journal(state)) if edit.path == root / "AGENTS.md"]
        return edit.after, edit.reason

    mine = NEW_FILE.replace(b"before starting", b"before you start")
    (root / "AGENTS.md").write_bytes(mine)
    assert block() == (mine, "its Carryover block has text that is not Carryover's")

    (root / "AGENTS.md").rename(home / "AGENTS.md")
    (root / "AGENTS.md").symlink_to(home / "AGENTS.md")
    assert block() == (None, "it is a symlink that leads out of the project")
    assert (home / "AGENTS.md").read_bytes() == mine


OURS = (
    "handoff.md", "ledger.sqlite", "ledger.sqlite-shm", "ledger.sqlite-wal", "ledger.sqlite.damaged",
    "ledger.sqlite.erase", "ledger.sqlite.forgotten", "ledger.salvaged.sqlite", "ledger.before-3.sqlite",
    "ledger.corrupt-20261120T060226.000001Z.sqlite", "carryoverd.log", "carryoverd.log.1", "launchd.log", "hook.sh",
    "hook.curl", "hook.secret", "daemon.sock", "daemon.lock", "paused", "config.toml", ".config.toml.0a1b2c3d.tmp",
    "projects.jsonl", "edits.json", "journal.jsonl", "edits.lock",
)  # fmt: skip


def test_every_file_of_ours_is_listed_and_nothing_else(tmp_path: Path) -> None:
    root = tmp_path / "state"
    root.mkdir()
    for name in (*OURS, "notes.txt", "ledger.md", ".hidden"):
        (root / name).touch()

    assert [path.name for path, _ in state_files(StateDir(root))] == [*OURS, "state"]


def test_folders_of_ours_are_listed_from_the_inside_out_and_links_not_followed(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "state", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "theirs").touch()
    files = ("restore/codex/.answer", "crashes/20261120.txt", "canary/canary.txt", "sync/key")
    for file in (*files, "spool/codex/pending/1.hook"):
        (root / file).parent.mkdir(parents=True)
        (root / file).touch()
    (root / "backups").mkdir()
    for copy in ("settings.json.0123456789ab", "photo.jpg"):
        (root / "backups" / copy).touch()
    for link in ("restore/codex/link", "handoffs"):
        (root / link).symlink_to(elsewhere)

    assert [str(path.relative_to(root)) for path, _ in state_files(StateDir(root))] == [
        *("restore/codex/.answer", "restore/codex/link", "restore/codex", "restore"),
        *("backups/settings.json.0123456789ab", "handoffs"),
        *("spool/codex/pending/1.hook", "spool/codex/pending", "spool/codex", "spool"),
        *("crashes/20261120.txt", "crashes", "canary/canary.txt", "canary", "sync/key", "sync", "."),
    ]
