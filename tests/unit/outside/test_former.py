"""What the records of 0.1.0 say is known, and moves into the journal, whatever is killed when."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from carryover.errors import UserError
from carryover.outside.journal import Journal, load_journal, read_journal, take_over, write_down
from carryover.outside.listed import Listed, handoff_folder, in_project
from carryover.paths import StateDir
from carryover.text.user_text import Origin
from support.killed import kill_everywhere

RECORDED = Path(__file__).parents[2] / "fixtures" / "state_0_1_0" / "carryover.json"
PLACED = (
    '\n{"root":"/srv/a","repository":"/srv/a/.git","agreed_ms":1,"names":["AGENTS.md","CLAUDE.md"]}\n'
    '\n{"root":"/srv/b","repository":"/srv/b/.git","names":["AGENTS.md"]}\n'
    '\n{"root":"/srv/b","repository":"/srv/b/.git"}\n'
    '\n{"root":"/wo'
)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state folder of 0.1.0 as recorded, and what it did not have then."""
    state = tmp_path / ".carryover"
    for path, content in json.loads(RECORDED.read_text(encoding="utf-8")).items():
        if path.startswith((".carryover/backups/", ".carryover/edits.json", ".carryover/projects.jsonl")):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(content.replace("@HOME@", "/home/dev"))
    (state / "placed.jsonl").write_text(PLACED)
    edits = json.loads((state / "edits.json").read_text())
    edits["files"].append(
        {"path": "/home/dev/.q/s.json", "tool": "q", "form": "server", "key": "mcp", "folders": ["/home/dev/.q"]}
    )
    (state / "edits.json").write_text(json.dumps(edits))
    return state


def made_folders(journal: Journal, app: Path) -> int:
    """How often the folder for `info/exclude` is listed."""
    return [(entry.path, entry.form) for entry in journal.live].count((str(app / ".git" / "info"), "folder"))


def known(state: Path) -> dict[str, Any]:
    journal = read_journal(state)
    folder = [entry.path for entry in journal.live if (entry.path, entry.form) == ("/home/dev/.q", "folder")]
    once = tuple(entry for entry in journal.live if entry.form == "once")
    return {"settings": journal.settings, "handoffs": journal.handoffs, "once": once, "folders": folder}


def test_all_of_it_is_known(state: Path) -> None:
    script = "/home/dev/.carryover/hook.sh"
    claude = Origin(empty=("hooks.SessionEnd",))
    names = ("old-blog", "notes", "shop", "blog")
    once = Listed(path="/srv/a/AGENTS.md", form="once", root="/srv/a", repository="/srv/a/.git", agreed_ms=1)

    found = known(state)
    assert found["settings"] == (
        Listed(
            path="/home/dev/.claude/settings.json", form="nested", agent="claude-code", script=script, origin=claude
        ),
        Listed(path="/home/dev/.codex/config.toml", form="tables", agent="codex", script=script),
        Listed(path="/home/dev/.cursor/hooks.json", form="flat", agent="cursor", script=script),
        Listed(path="/home/dev/.q/s.json", form="server", agent="q", key="mcp"),
    )
    assert found["handoffs"] == tuple(
        handoff_folder(f"/home/dev/code/{name}/.carryover", f"/home/dev/code/{name}") for name in names
    )
    assert [entry.name for entry in found["once"]] == ["AGENTS.md", "CLAUDE.md"]
    assert (found["once"][0], found["folders"]) == (once, ["/home/dev/.q"])


def test_it_moves_into_the_journal_whatever_is_killed_when(state: Path, tmp_path: Path) -> None:
    kept = shutil.copytree(state, tmp_path / "kept")
    before = known(state)

    def prepare() -> None:
        shutil.rmtree(state)
        shutil.copytree(kept, state)

    def check() -> None:
        assert known(state) == before
        take_over(state)
        assert known(state) == before
        assert [path.name for path in state.iterdir()] == ["journal.jsonl"]
        size = (state / "journal.jsonl").stat().st_size
        take_over(state)
        assert (state / "journal.jsonl").stat().st_size == size

    assert kill_everywhere(prepare, lambda: take_over(state), check) > 10


def test_what_was_undone_since_is_not_known_again(state: Path) -> None:
    """Neither if the records were left behind, nor if an earlier version has written them again."""
    edits = (state / "edits.json").read_bytes()
    first = read_journal(state).settings[0]
    write_down(state, Listed(path=first.path, form=first.form, gone=True))
    (state / "edits.json").write_bytes(edits)

    assert first not in read_journal(state).settings
    take_over(state)
    assert [Path(entry.path).parent.name for entry in read_journal(state).settings] == [".codex", ".cursor", ".q"]


def test_a_damaged_record_stops_commands_and_stays_with_its_backups(state: Path) -> None:
    """Until the user has moved it away; carryoverd goes on with what else is known."""
    (state / "edits.json").write_text('{"files": [{"path": "/home/d')
    assert (known(state)["settings"], len(known(state)["handoffs"])) == ((), 4)

    take_over(state)
    assert sorted(path.name for path in state.iterdir()) == ["backups", "edits.json", "journal.jsonl"]
    with pytest.raises(UserError, match=r"edits\.json is damaged\. Nothing was changed\. Move it away"):
        load_journal(StateDir(state))

    (state / "edits.json").unlink()
    take_over(state)
    assert len(load_journal(StateDir(state)).handoffs) == 4
    assert [path.name for path in state.iterdir()] == ["journal.jsonl"]


def test_what_else_is_in_a_folder_of_that_name_stays(state: Path) -> None:
    """`CARRYOVER_HOME` may name a folder in which the user keeps backups too."""
    theirs = [state / "backups" / "2024" / "photo.jpg", state / "backups" / "list.txt"]
    theirs[0].parent.mkdir(parents=True)
    for path in theirs:
        path.touch()

    take_over(state)

    assert sorted(path for path in state.rglob("*") if path.is_file()) == [*theirs, state / "journal.jsonl"]
    take_over(state)
    assert all(path.exists() for path in theirs)


def test_a_record_that_cannot_be_read_is_named(state: Path) -> None:
    (state / "placed.jsonl").unlink()
    (state / "placed.jsonl").mkdir()

    with pytest.raises(UserError, match=r"placed\.jsonl can't be read"):
        load_journal(StateDir(state))


@pytest.mark.parametrize("kind", ["a link to another folder", "a folder of that name", "a link"])
def test_what_is_not_the_list_of_a_project_is_neither_read_nor_removed(tmp_path: Path, kind: str) -> None:
    app, theirs = tmp_path / "app", tmp_path / "theirs"
    app.mkdir()
    theirs.mkdir()
    (theirs / "edited").write_text("AGENTS.md\n")
    match kind:
        case "a link to another folder":
            (app / ".carryover").symlink_to(theirs)
        case "a folder of that name":
            (app / ".carryover" / "edited").mkdir(parents=True)
        case _:
            (app / ".carryover").mkdir()
            (app / ".carryover" / "edited").symlink_to(theirs / "edited")

    state = published_by_former(tmp_path, app)
    assert read_journal(state).names(app) == set()
    take_over(state)

    assert read_journal(state).names(app) == set()
    assert (app / ".carryover" / "edited").exists()
    assert (theirs / "edited").read_text() == "AGENTS.md\n"


def published_by_former(folder: Path, app: Path) -> Path:
    """The state folder of 0.1.0 after it had written a handoff into a project."""
    state = folder / "state"
    state.mkdir(exist_ok=True)
    (state / "projects.jsonl").write_text(json.dumps({"root": str(app), "folder": str(app / ".carryover")}))
    return state


def test_a_project_s_own_list_moves_too_and_names_nothing_that_was_never_edited(tmp_path: Path) -> None:
    app = tmp_path / "app"
    state = published_by_former(tmp_path, app)
    listed, kept = app / ".carryover" / "edited", tmp_path / "kept.jsonl"
    write_down(state, in_project(app, "CLAUDE.md"))
    write_down(state, Listed(path=str(app / "CLAUDE.md"), form="text", root=str(app), gone=True))
    shutil.copy(state / "journal.jsonl", kept)

    def prepare() -> None:
        listed.parent.mkdir(parents=True, exist_ok=True)
        listed.write_text("../../.bashrc\nAGENTS.md\nCLAUDE.md\nREADME.md\n.git/info/\n")
        shutil.copy(kept, state / "journal.jsonl")
        published_by_former(tmp_path, app)

    def check() -> None:
        assert read_journal(state).names(app) == {"AGENTS.md"}
        take_over(state)
        assert (read_journal(state).names(app), listed.exists()) == ({"AGENTS.md"}, False)
        assert made_folders(read_journal(state), app) == 1

    assert kill_everywhere(prepare, lambda: take_over(state), check) > 3


def test_a_list_that_came_with_the_folder_never_counts(tmp_path: Path) -> None:
    """As in an archive: its maker could have a block of theirs taken out, or their own file deleted."""
    app = tmp_path / "app"
    state = published_by_former(tmp_path, tmp_path / "another")
    listed = app / ".carryover" / "edited"
    listed.parent.mkdir(parents=True)
    listed.write_text("AGENTS.md\nCLAUDE.md\n.git/info/\n")

    def ours() -> tuple[set[str], int]:
        journal = read_journal(state)
        return journal.names(app), made_folders(journal, app)

    assert ours() == (set(), 0)
    write_down(state, handoff_folder(app / ".carryover", app))
    assert (ours(), listed.exists()) == ((set(), 0), True)
    write_down(state, in_project(app, "CLAUDE.md"))  # as it gets our text
    assert ours() == ({"CLAUDE.md"}, 0)
