"""Nothing is published where it would reach other projects, other users or a commit."""

from __future__ import annotations

import os
import stat
from functools import partial
from pathlib import Path

import pytest

from carryover.config import AgentConfig, AgentsConfig
from carryover.projects.handoff_file import write_handoff
from carryover.projects.policy import Refusal, refusal
from carryover.projects.root import AgentFolders, agent_folders
from carryover.redact import CleanText
from support.repository import git, repository


def why(root: Path, *, home: Path, agents_own: AgentFolders | None = None) -> str | None:
    found = refusal(root, home=home, agents_own=agents_own)
    return found.reason if found is not None else None


def test_the_home_folder_and_what_holds_it_are_refused(home: Path) -> None:
    (home / "link").symlink_to(home)

    assert [why(folder, home=home) for folder in (home, home / "link", home.parent, Path("/"))] == [
        "it is the home folder itself",
        "it is the home folder itself",
        "it contains the home folder",
        "it is the root of the file system",
    ]


def test_the_folders_of_carryover_and_of_the_agents_are_refused_but_not_projects_below(home: Path) -> None:
    tools = AgentsConfig(each={"codex": AgentConfig(env={"CODEX_HOME": str(home / "moved")})})
    own = partial(agent_folders, tools, home, {"OPENCODE_CONFIG_DIR": str(home / "set here")})
    places = (".carryover/sub", ".claude", ".agents", ".codeium", ".config/opencode", "moved", "set here")
    for name in (*places, ".codex/worktrees/app/.git"):
        (home / name).mkdir(parents=True)

    agents = "it is an agent's own folder, whose files apply to every project"
    assert {
        name: why(home / name, home=home, agents_own=own) for name in (".carryover", *places, ".codex/worktrees/app")
    } == {
        ".carryover": "it is Carryover's own folder",
        ".carryover/sub": "it is Carryover's own folder",
        ".claude": agents,
        ".agents": agents,
        ".codeium": agents,
        ".config/opencode": agents,
        "moved": agents,
        "set here": agents,
        ".codex/worktrees/app": None,
    }
    assert why(home / "moved", home=home) is None


@pytest.mark.parametrize("root", [".ssh", ".gnupg/notes", ".aws", ".config/gh", ".password-store"])
def test_folders_of_keys_are_refused_even_if_they_are_repositories(home: Path, root: str) -> None:
    (home / root / ".git").mkdir(parents=True)

    assert why(home / root, home=home) == "it is a folder of keys and logins"


@pytest.mark.parametrize("root", [".config", ".config/nvim", ".local/share/app", ".cache", "Library/App"])
def test_folders_of_settings_are_refused_unless_they_are_repositories(home: Path, root: str) -> None:
    (home / root).mkdir(parents=True)
    assert why(home / root, home=home) == "it is a folder of programs' settings and data, and no repository"

    (home / root / ".git").mkdir()
    assert why(home / root, home=home) is None


@pytest.mark.parametrize("variable", ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"])
def test_folders_of_settings_are_refused_also_where_they_are_moved(
    home: Path, tmp_path: Path, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (home / "programs", tmp_path / "beside"):
        (folder / "app").mkdir(parents=True)
        assert why(folder / "app", home=home) != "it is a folder of programs' settings and data, and no repository"

        monkeypatch.setenv(variable, str(folder))

        assert why(folder / "app", home=home) == "it is a folder of programs' settings and data, and no repository"

    (home / "work").mkdir()
    monkeypatch.setenv(variable, str(home))
    assert why(home / "work", home=home) is None


@pytest.mark.parametrize("root", ["/tmp", "/tmp/app", "/var/tmp/app", "/dev/shm/app", "/run/user/1000"])
def test_temporary_folders_are_refused(root: str) -> None:
    assert why(Path(root), home=Path("/home/dev")) == "it is a temporary folder"


@pytest.mark.parametrize("root", ["/etc", "/etc/nginx", "/usr/local/src/app", "/var", "/var/lib/app", "/opt", "/home"])
def test_folders_of_the_system_are_refused(root: str) -> None:
    expected = "it contains the home folder" if root == "/home" else "it is a folder of the system"

    assert why(Path(root), home=Path("/home/dev")) == expected


def test_a_folder_of_another_user_is_refused(home: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    (home / "theirs").mkdir()
    os.chown(home / "theirs", 1234, -1)
    (home / "mine" / ".carryover").mkdir(parents=True)
    os.chown(home / "mine" / ".carryover", 1234, -1)

    assert why(home / "theirs", home=home) == "the folder belongs to another user"
    assert why(home / "mine", home=home) == ".carryover belongs to another user"


def test_a_file_and_a_bare_repository_are_refused(home: Path) -> None:
    (home / "file").write_text("")
    repository(home / "app", {"a.py": "1\n"})
    git(home, "clone", "--quiet", "--bare", "app", "bare.git")

    assert [why(home / name, home=home) for name in ("file", "bare.git")] == [
        "it is not a folder",
        "it is a bare repository",
    ]


def test_what_a_repository_planted_in_our_place_is_refused(home: Path) -> None:
    (home / "target").mkdir()
    for name in "abcd":
        (home / name).mkdir()
    (home / "a" / ".carryover").symlink_to(home / "target")
    (home / "b" / ".carryover").write_text("")
    (home / "c" / ".carryover").mkdir()
    (home / "c" / ".carryover" / "handoff.md").symlink_to(home / ".bashrc")
    (home / "d" / ".carryover" / "handoff.md").mkdir(parents=True)

    assert [why(home / name, home=home) for name in "abcd"] == [
        ".carryover is a symlink instead of a folder",
        ".carryover is a file instead of a folder",
        ".carryover/handoff.md is a symlink instead of a file",
        ".carryover/handoff.md is a folder instead of a file",
    ]


def test_a_folder_that_git_tracks_is_refused_from_the_moment_it_does(home: Path) -> None:
    root = repository(home / "app", {"a.py": "1\n", ".gitignore": ".carryover/\n"})
    (root / ".carryover").mkdir()
    (root / ".carryover" / "handoff.md").write_text("x")
    assert why(root, home=home) is None

    git(root, "add", "--force", ".carryover/handoff.md")

    tracked = ".carryover is tracked by git, so a handoff would be committed; `git rm -r --cached .carryover` ends that"
    assert refusal(root, home=home) == Refusal(tracked, tracked=True)

    git(root, "rm", "-r", "--quiet", "--cached", ".carryover")

    assert why(root, home=home) is None


def test_where_git_cannot_tell_what_it_tracks_nothing_is_published(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = repository(home / "broken", {"a.py": "1\n"})
    (broken / ".git" / "index").write_bytes(b"not an index")
    without_git = repository(home / "app", {"a.py": "1\n"})

    found = [why(broken, home=home)]
    monkeypatch.setenv("PATH", "/nowhere")
    found.append(why(without_git, home=home))

    assert found == [
        "git could not say whether .carryover is tracked: it can't read this repository",
        "git could not say whether .carryover is tracked: git can't be run",
    ]


def test_the_handoff_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / ".carryover"

    assert write_handoff(folder, CleanText("# [CARRYOVER] größer\n")) is True
    assert (folder / "handoff.md").read_text() == "# [CARRYOVER] größer\n"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "handoff.md")] == [0o700, 0o600]
    assert [path.name for path in folder.iterdir()] == ["handoff.md"]


def test_a_folder_and_a_handoff_that_are_too_open_are_closed(tmp_path: Path) -> None:
    write_handoff(tmp_path, CleanText("same\n"))
    tmp_path.chmod(0o755)
    (tmp_path / "handoff.md").chmod(0o644)

    write_handoff(tmp_path, CleanText("same\n"))

    assert [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path, tmp_path / "handoff.md")] == [0o700, 0o600]
