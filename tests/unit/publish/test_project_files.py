"""A project gets its handoff and what leads to it; what is right is not touched, and what may not be written is not."""

from __future__ import annotations

import errno
import os
import shutil
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path

import pytest

from carryover.config import Config, Pointers, ProjectsConfig, ProjectSettings, PublishConfig, project_settings
from carryover.fsio import locked_dir
from carryover.outside.in_project import Pass
from carryover.outside.journal import write_down
from carryover.outside.listed import handoff_folder
from carryover.probe.checkout import Checkout
from carryover.projects.handoff_file import Published
from carryover.publish import project_files
from carryover.publish import publish as publishing
from carryover.publish.gitignore import refused_by_git
from carryover.publish.pointers import NEW_FILE
from carryover.publish.project_files import place, withdraw_everywhere
from carryover.publish.shared_pointers import place_shared_pointers
from carryover.redact import CleanText
from support.passes import begun
from support.publishing import publish, withdraw
from support.repository import git, repository
from support.shared_rule import add_shared_rule

TEXT = "# [CARRYOVER] Last updated 2026-11-20T06:02:26Z from Claude Code\n# RESUME PROTOCOL: ask\n"


SHARED = ProjectSettings(pointers="shared")


def published(root: Path, settings: ProjectSettings = SHARED, text: str = TEXT) -> Published:
    return publish(root, CleanText(text), settings)


@pytest.fixture
def app(home: Path) -> Path:
    return repository(home / "app", {"AGENTS.md": "Be brief.\n"})


def tree(root: Path) -> dict[str, str]:
    """The project's files but git's, and their contents."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file() and ".git" not in path.relative_to(root).parts)
    return {str(path.relative_to(root)): path.read_bytes().decode() for path in files}


def handoff(root: Path) -> Path:
    return root / ".carryover" / "handoff.md"


def signatures(root: Path) -> dict[Path, tuple[int, int, int]]:
    found = {path: path.lstat() for path in root.rglob("*")}
    return {path: (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino) for path, stat in found.items()}


def test_a_repository_gets_the_handoff_the_rule_and_the_pointers(home: Path) -> None:
    root = repository(home / "new", {"a.py": "1\n"})

    assert published(root) == Published(changed=True, file=handoff(root))
    assert tree(root) == {
        ".carryover/.gitignore": "# Carryover (auto-added)\n*\n",
        ".carryover/handoff.md": TEXT,
        "AGENTS.md": NEW_FILE.decode(),
        "a.py": "1\n",
    }
    assert git(root, "status", "--porcelain") == "?? AGENTS.md\n"


def test_publishing_the_same_again_touches_nothing(app: Path) -> None:
    """Nor does what nobody decided take anything back."""
    (app / "CLAUDE.md").write_text("Be Claude.\n")
    published(app)
    before = signatures(app)

    for settings in (SHARED, ProjectSettings(pointers="local", decided=False)):
        assert published(app, settings) == Published(file=handoff(app))
        assert signatures(app) == before


def test_an_agent_that_is_deselected_takes_its_pointers_along(home: Path) -> None:
    """AGENTS.md stays whatever agents are selected, since those that Carryover does not know read it too."""
    root = repository(home / "new", {"CLAUDE.md": "Be Claude.\n"})

    published(root, ProjectSettings(agents=("claude-code", "gemini-cli")))
    assert tree(root)["CLAUDE.md"].endswith(NEW_FILE.decode())
    published(root, ProjectSettings(agents=("gemini-cli",)))

    assert tree(root)["CLAUDE.md"] == "Be Claude.\n"
    assert tree(root)["AGENTS.md"] == NEW_FILE.decode()


def test_a_folder_of_repositories_gets_no_pointer_that_would_hold_for_each(home: Path) -> None:
    repository(home / "work" / "app", {"a.py": "1\n"})

    note = "AGENTS.md was left alone: the folder holds repositories, and its text would apply to each of them"
    assert published(home / "work") == Published(changed=True, file=handoff(home / "work"), notes=(note,))
    assert not (home / "work" / "AGENTS.md").exists()


def test_with_pointers_off_no_file_is_written_anywhere(home: Path) -> None:
    root = repository(home / "app", {"a.py": "1\n"})
    before = tree(home)

    assert published(root, ProjectSettings(pointers="off")) == Published(refusal='publish.pointers is "off" for it')

    assert tree(home) == before


def test_where_publishing_is_refused_nothing_is_touched(home: Path, tmp_path: Path) -> None:
    tracked = repository(home / "tracked", {".carryover/handoff.md": "theirs\n"})
    excluded = repository(home / "excluded", {".carryover.toml": "exclude = true\n"})
    before = [signatures(root) for root in (tracked, excluded, tmp_path)]

    asked = [(tracked, SHARED), (tmp_path, SHARED), (home, SHARED), (excluded, project_settings(excluded, Config()))]
    refusals = [published(root, settings).refusal for root, settings in asked]

    assert refusals == [
        ".carryover is tracked by git, so a handoff would be committed; `git rm -r --cached .carryover` ends that",
        "it is a temporary folder",
        "it is the home folder itself",
        "excluded by the project's own .carryover.toml",
    ]
    assert [signatures(root) for root in (tracked, excluded, tmp_path)] == before


def test_one_pass_waits_for_another(app: Path) -> None:
    """Else it would replace the other's list of edited files, and uninstall would not find what is missing there."""
    off = ProjectSettings(pointers="off")
    with ThreadPoolExecutor() as threads:
        ends = partial(threads.submit, partial(withdraw, app, off))
        assert publish(app, CleanText(TEXT), SHARED, beside=lambda: bool(wait([ends()], 0.1).not_done)).passing
    with ThreadPoolExecutor() as threads, locked_dir(app / ".carryover"):
        assert wait([threads.submit(published, app)], 0.1).not_done
        assert wait([threads.submit(withdraw, app, off)], 0.1).not_done


@pytest.mark.parametrize("step", ["refusal_of_place", "kept_out"])
def test_a_project_that_moves_away_meanwhile_is_not_made_again(
    app: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, step, lambda *_, **__: app.rename(app.with_name("moved")) and None)
    published(app)

    assert not app.exists()


@pytest.mark.parametrize("step", ["refusal_of_place", "kept_out", "ignore_itself"])
def test_a_link_that_a_checkout_puts_in_the_folders_place_meanwhile_is_not_followed(
    app: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs = app / "docs"
    docs.mkdir()
    docs.chmod(0o755)
    (docs / "handoff.md").write_text("Theirs.\n")
    original = getattr(publishing, step)

    def checked_out(*args: object, **options: object) -> object:
        result = original(*args, **options)
        if (store := app / ".carryover").is_dir():
            shutil.rmtree(store)
        store.symlink_to("docs")
        return result

    monkeypatch.setattr(publishing, step, checked_out)

    assert published(app).refusal == "the handoff can't be written: Not a directory"
    assert [(path.name, path.read_text()) for path in docs.iterdir()] == [("handoff.md", "Theirs.\n")]
    assert docs.stat().st_mode & 0o777 == 0o755


def test_nothing_is_removed_through_a_link_that_a_checkout_puts_in_the_folders_place_meanwhile(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(app)
    (app / "docs").mkdir()
    (app / "docs" / "handoff.md").write_text("Theirs.\n")

    def checked_out(edits: Pass, settings: ProjectSettings) -> None:
        place(edits, settings)
        shutil.rmtree(app / ".carryover")
        (app / ".carryover").symlink_to("docs")

    monkeypatch.setattr(project_files, "place", checked_out)
    withdraw(app, ProjectSettings(pointers="off"))

    assert tree(app) == {"AGENTS.md": "Be brief.\n", "docs/handoff.md": "Theirs.\n"}


def test_where_only_pointers_are_ours_no_folder_is_made_to_take_them_out(home: Path, app: Path) -> None:
    """As in a project that was moved after `git clean -fdx`: the journal has its new path with its pointers."""
    published(app)
    shutil.rmtree(app / ".carryover")
    journal = home / ".carryover" / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(line for line in lines if '"handoff"' not in line))

    withdraw(app, ProjectSettings(pointers="off"))

    assert sorted(path.name for path in app.iterdir()) == [".git", "AGENTS.md"]
    assert ((app / "AGENTS.md").read_text(), "arryover" in Checkout(app).exclude.read_text()) == ("Be brief.\n", False)


def test_a_disk_that_takes_nothing_is_a_refusal_with_its_reason(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published(app)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)

    why = "the handoff can't be written: No space left on device"
    assert published(app, text="another\n") == Published(refusal=why, passing=True)
    assert handoff(app).read_text() == TEXT


def test_a_disk_without_room_for_the_rule_is_named_as_what_is_in_the_way(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked afterwards, git's files show nothing that would be."""

    def full(file: int) -> None:
        if any(os.path.samestat(os.fstat(file), path.stat()) for path in (app / ".git" / "info").iterdir()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        refusal = published(app).refusal

    why = ".git/info/exclude was left alone: No space left on device, so a handoff would be committed"
    assert refusal == f"the handoff can't be written: {why}"
    assert refused_by_git(Checkout(app), ProjectSettings()) is None


BEFORE = {"AGENTS.md": "Be brief.", "CLAUDE.md": "Be Claude.\r\n", ".gitignore": "a\n"}


@pytest.fixture
def roots(home: Path) -> tuple[Path, Path]:
    """Two projects that were published with pointers: one had its own texts, one had none."""
    made = repository(home / "app", BEFORE), repository(home / "bare", {"a.py": "1\n"})
    for root in made:
        published(root, ProjectSettings())
        add_shared_rule(root)
        write_down(home / ".carryover", handoff_folder(root / ".carryover", root))
    return made


def pointing(pointers: Pointers | None, **more: object) -> Config:
    return Config(publish=PublishConfig(pointers=pointers), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("config", [pointing("shared"), pointing(None), pointing("off", paused=True)])
def test_otherwise_everything_stays(roots: tuple[Path, Path], home: Path, config: Config) -> None:
    before = [tree(root) for root in roots]

    assert withdraw_everywhere(home / ".carryover", config) == ()

    assert [tree(root) for root in roots] == before


@pytest.mark.parametrize("pointers", ["shared", "local", None])
def test_nothing_stays_in_a_project_that_is_left_out(
    roots: tuple[Path, Path], home: Path, pointers: Pointers | None
) -> None:
    app, bare = roots
    (app / ".carryover" / "handoff-chosen.md").write_text(CleanText(TEXT))
    config = pointing(pointers, projects=ProjectsConfig(exclude=("app",)))
    others, former = tree(bare), begun(app)

    withdraw_everywhere(home / ".carryover", config)
    place_shared_pointers(former)  # by a publication that began before that
    withdraw_everywhere(home / ".carryover", config)

    assert (tree(app), tree(bare) == others) == (BEFORE, pointers != "local")
    assert git(app, "status", "--porcelain") == ""


def test_what_the_user_wrote_into_a_block_stays_and_is_named(roots: tuple[Path, Path], home: Path) -> None:
    _, bare = roots
    edited = (bare / "AGENTS.md").read_text().replace("read it before", "never read it before")
    (bare / "AGENTS.md").write_text(edited)

    done = withdraw_everywhere(home / ".carryover", pointing("off"))

    assert tree(bare)["AGENTS.md"] == edited
    assert done[-1].notes == ["AGENTS.md was left alone: its Carryover block has text that is not Carryover's"]
    assert not (bare / ".carryover" / "handoff.md").exists()
    assert git(bare, "status", "--porcelain") == "?? AGENTS.md\n"
