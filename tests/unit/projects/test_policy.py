"""Nothing is published where it would reach other projects, other users or a commit."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from contextlib import nullcontext
from pathlib import Path

import pytest

from carryover.config import AgentConfig, AgentsConfig
from carryover.paths import STORE, StateDir
from carryover.platform import MACOS
from carryover.platform.darwin import Darwin
from carryover.probe.checkout import Checkout
from carryover.projects.handoff_file import HANDOFF, write_handoff
from carryover.projects.policy import Refusal, refusal
from carryover.projects.root import StatePaths
from carryover.redact import CleanText
from support.platforms import on, withheld
from support.repository import git, repository

PROGRAMS = "it is a folder of programs' settings and data, and no repository"


def paths_at(home: Path, agents: AgentsConfig | None = None) -> StatePaths:
    return StatePaths(StateDir(home / ".carryover"), home, agents or AgentsConfig())


def why(root: Path, *, home: Path, agents: AgentsConfig | None = None) -> str | None:
    found = refusal(Checkout(root), paths_at(home, agents))
    return found.reason if found is not None else None


def test_the_home_folder_and_what_holds_it_are_refused(home: Path) -> None:
    (home / "link").symlink_to(home)

    assert [why(folder, home=home) for folder in (home, home / "link", home.parent, Path("/"))] == [
        "it is the home folder itself",
        "it is the home folder itself",
        "it contains the home folder",
        "it is the root of the file system",
    ]


def test_the_folders_of_carryover_and_of_the_agents_are_refused_but_not_projects_below(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = AgentsConfig(each={"codex": AgentConfig(env={"CODEX_HOME": str(home / "moved")})})
    monkeypatch.setenv("OPENCODE_CONFIG_DIR", str(home / "set here"))
    carryovers = dict.fromkeys((".carryover", ".carryover/sub"), "it is Carryover's own folder")
    agents = (".claude", ".agents", ".codeium", ".config/opencode", "moved", "set here")
    reason = "it is an agent's own folder, whose files apply to every project"
    expected = {**carryovers, **dict.fromkeys(agents, reason), ".codex/worktrees/app": None}
    for name in (*expected, ".codex/worktrees/app/.git"):
        (home / name).mkdir(parents=True, exist_ok=True)

    assert {name: why(home / name, home=home, agents=tools) for name in expected} == expected
    assert why(home / "moved", home=home) is None


@pytest.mark.parametrize("root", [".ssh", ".gnupg/notes", ".aws", ".config/gh", ".password-store"])
def test_folders_of_keys_are_refused_even_if_they_are_repositories(home: Path, root: str) -> None:
    (home / root / ".git").mkdir(parents=True)

    assert why(home / root, home=home) == "it is a folder of keys and logins"


@pytest.mark.parametrize("root", [".config", ".config/nvim", ".local/share/app", ".cache", "Library/App"])
def test_folders_of_settings_are_refused_unless_they_are_repositories(home: Path, root: str) -> None:
    (home / root).mkdir(parents=True)
    assert why(home / root, home=home) == PROGRAMS

    (home / root / ".git").mkdir()
    assert why(home / root, home=home) is None


@pytest.mark.parametrize("variable", ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"])
def test_folders_of_settings_are_refused_also_where_they_are_moved(
    home: Path, tmp_path: Path, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (home / "programs", tmp_path / "beside"):
        (folder / "app").mkdir(parents=True)
        assert why(folder / "app", home=home) != PROGRAMS

        monkeypatch.setenv(variable, str(folder))

        assert why(folder / "app", home=home) == PROGRAMS

    (home / "work").mkdir()
    monkeypatch.setenv(variable, str(home))
    assert why(home / "work", home=home) is None


@pytest.mark.parametrize(
    ("roots", "reason"),
    [
        ("/tmp /tmp/app /var/tmp/app /dev/shm/app /run/user/1000", "it is a temporary folder"),
        ("/etc /etc/nginx /usr/local/src/app /var /var/lib/app /opt", "it is a folder of the system"),
        ("/home", "it contains the home folder"),
    ],
)
def test_temporary_folders_and_those_of_the_system_are_refused(roots: str, reason: str) -> None:
    assert {why(Path(root), home=Path("/home/dev")) for root in roots.split()} == {reason}


def test_a_full_disk_makes_no_other_folder_temporary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python then takes the current folder for that of temporary files, or raises an error."""
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/usr/local/src")

    assert why(Path("/usr/local/src/app"), home=Path("/home/dev")) == "it is a folder of the system"


def test_a_folder_of_another_user_is_refused(home: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    (home / "theirs").mkdir()
    os.chown(home / "theirs", 1234, -1)
    (home / "mine" / ".carryover").mkdir(parents=True)
    os.chown(home / "mine" / ".carryover", 1234, -1)

    assert why(home / "theirs", home=home) == "the folder belongs to another user"
    assert why(home / "mine", home=home) == ".carryover belongs to another user"


def test_what_is_no_folder_of_work_or_has_something_else_in_our_place_is_refused(home: Path) -> None:
    repository(home / "app", {"a.py": "1\n"})
    git(home, "clone", "--quiet", "--bare", "app", "bare")
    for name in ("target", "link", "file", "links", "folders/.carryover/handoff.md", "links/.carryover"):
        (home / name).mkdir(parents=True, exist_ok=True)
    (home / "link" / ".carryover").symlink_to(home / "target")
    (home / "moved").symlink_to(home / "app")
    (home / "file" / ".carryover").write_text("")
    (home / "links" / ".carryover" / "handoff.md").symlink_to(home / ".bashrc")
    expected = {
        "file/.carryover": "it is not a folder",
        "bare": "it is a bare repository",
        "moved": "a symlink leads from it to another folder",
        "link": ".carryover is a symlink instead of a folder",
        "file": ".carryover is a file instead of a folder",
        "links": ".carryover/handoff.md is a symlink instead of a file",
        "folders": ".carryover/handoff.md is a folder instead of a file",
    }

    assert {name: why(home / name, home=home) for name in expected} == expected


def test_a_folder_that_git_tracks_is_refused_as_long_as_it_does(home: Path) -> None:
    root = repository(home / "app", {".carryover/handoff.md": "x", ".gitignore": ".carryover/\n"})
    assert why(root, home=home) is None
    git(root, "add", "--force", ".carryover/handoff.md")

    tracked = ".carryover is tracked by git, so a handoff would be committed; `git rm -r --cached .carryover` ends that"
    assert refusal(Checkout(root), paths_at(home)) == Refusal(tracked, in_git=True)
    git(root, "rm", "-r", "--quiet", "--cached", ".carryover")
    assert why(root, home=home) is None


def test_where_git_cannot_tell_what_it_tracks_nothing_is_published(home: Path) -> None:
    broken = repository(home / "broken", {"a.py": "1\n"})
    (broken / ".git" / "index").write_bytes(b"not an index")

    reason = "git could not say whether .carryover is tracked"
    assert why(broken, home=home) == f"{reason}: it can't read this repository"


@pytest.mark.parametrize("is_repository", [True, False])
def test_a_folder_that_macos_withholds_is_called_so(home: Path, is_repository: bool) -> None:
    """Its .git was taken for that of a copied worktree, since nothing in it could be read."""
    root = home / "Documents" / "app"
    root.mkdir(parents=True)
    if is_repository:
        repository(root, {"a.py": "1\n"})

    with on(MACOS):
        assert why(root, home=home) is None
        with withheld(home / "Documents"):
            assert why(root, home=home) == "macOS's privacy settings keep carryoverd out of this folder"
    root.chmod(0o300)  # the user's own doing
    with on(MACOS):
        assert "macOS" not in (why(root, home=home) or "")
    root.chmod(0o700)


def test_the_handoff_and_its_folder_are_for_their_owner_alone_also_where_they_were_too_open(tmp_path: Path) -> None:
    folder = tmp_path / ".carryover"
    file, text = folder / "handoff.md", CleanText("# [CARRYOVER] größer\n")

    assert write_handoff(folder, text) is True
    assert (file.read_text(), [path.name for path in folder.iterdir()]) == (text, ["handoff.md"])
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, file)] == [0o700, 0o600]
    folder.chmod(0o755)
    file.chmod(0o644)
    write_handoff(folder, text)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, file)] == [0o700, 0o600]


@pytest.mark.parametrize("refuses", [False, True])
@pytest.mark.parametrize("before", [[], ["# old\n"]])
def test_a_handoff_is_seen_before_the_disk_is_waited_for_and_the_former_again_if_that_refuses_it(
    tmp_path: Path, refuses: bool, before: list[str]
) -> None:
    folder = tmp_path / STORE
    seen: list[str] = []

    def flush(_descriptor: int, _command: int, _argument: object) -> None:
        seen.append((folder / HANDOFF).read_text())
        if refuses:
            raise OSError(errno.EIO, "the disk is failing")

    for text in before:
        write_handoff(folder, CleanText(text))
    with on(Darwin(control=flush)), pytest.raises(OSError) if refuses else nullcontext():
        write_handoff(folder, CleanText("# new\n"))

    assert seen == ["# new\n"]
    assert [path.read_text() for path in folder.iterdir()] == (before if refuses else ["# new\n"])
