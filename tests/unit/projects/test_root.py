"""Each working folder belongs to one project, whatever way leads to it and whether it is still there."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from carryover.config import AgentConfig, AgentsConfig
from carryover.facts import ProjectRoot
from carryover.probe.checkout import Checkout
from carryover.probe.looks import DISKS, presume_silent
from carryover.projects import root as root_module
from carryover.projects.root import agent_folders, agents_checkouts, find_root, removed_checkouts
from support.repository import git, repository


def test_a_worktree_is_a_project_of_its_own_that_knows_its_main_checkout(home: Path) -> None:
    root = repository(home / "app", {"src/a.py": "1\n"})
    git(root, "worktree", "add", "--quiet", str(home / "tree"))
    git(root, "worktree", "add", "--quiet", ".worktrees/inner")

    assert [find_root(str(home / "tree" / "src")), find_root(str(root / ".worktrees" / "inner"))] == [
        ProjectRoot(str(home / "tree"), main_root=str(root)),
        ProjectRoot(str(root / ".worktrees" / "inner"), main_root=str(root)),
    ]


@pytest.mark.parametrize(
    ("folder", "roots", "recorded", "now"),
    [
        (".codex", "", {}, {}),
        ("moved", "", {"CODEX_HOME": "moved"}, {}),
        ("moved", "moved/sessions moved/archived_sessions/", {}, {}),
        ("moved", "", {}, {"CODEX_HOME": "moved"}),
    ],
    ids=[
        "its usual place",
        "the variable that install recorded",
        "the folders that it recorded",
        "the variable of now",
    ],
)
def test_a_worktree_that_an_agent_made_for_itself_is_work_on_its_main_checkout(
    monkeypatch: pytest.MonkeyPatch, home: Path, folder: str, roots: str, recorded: dict[str, str], now: dict[str, str]
) -> None:
    """Codex 0.169.0 makes them for `/new` and `/fork`. A service has none of the variables of the user's shell."""
    root = repository(home / "app", {"src/a.py": "1\n"})
    own, users = home / folder / "worktrees" / "ab12" / "app", home / "tree"
    for place in (own, users):
        git(root, "worktree", "add", "--quiet", "--detach", str(place))
    env, set_now = ({name: f"{home}/{at}" for name, at in given.items()} for given in (recorded, now))
    known = AgentConfig(roots=tuple(f"{home}/{name}" for name in roots.split()), env=env)

    agents = AgentsConfig(each={"codex": known})
    for name, value in set_now.items():
        monkeypatch.setenv(name, value)
    agents_own = partial(agent_folders, agents, home, set_now)

    assert find_root(str(own / "src"), home=home, agents_own=agents_own) == ProjectRoot(str(root), checkout=str(own))
    assert find_root(str(users), home=home, agents_own=agents_own) == ProjectRoot(str(users), main_root=str(root))
    assert agents_checkouts(Checkout(root), agents) == (str(own),)
    assert agents_checkouts(Checkout(home / "no repository"), agents) == ()


def test_a_repository_in_a_folder_of_everyones_takes_in_no_folder_below(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    """Any user can make `/tmp/.git`; the projects below would be one."""
    shared = repository(home / "tmp", {})
    inner = repository(shared / "own", {})
    folders = [str(shared / "a"), str(inner / "src"), str(shared)]
    monkeypatch.setattr(root_module, "_EVERYONES", (shared,))

    assert [find_root(folder).root for folder in folders] == [str(shared / "a"), str(inner), str(shared)]


def test_a_worktree_of_an_agents_own_that_was_removed_is_known_by_what_was_edited_there(home: Path) -> None:
    trees = home / ".codex" / "worktrees"
    (trees / "new" / "app").mkdir(parents=True)
    edited = [f"{trees}/{name}" for name in ("old/app/src/a.py", "new/app/a.py", "old/blog/a.py", "app/a.py", "a.py")]
    edited += [f"{home}/worktrees/old/app/a.py", "worktrees/old/app/a.py", "C:\\worktrees\\app\\a.py"]
    edited.append(f"{trees}/old/blog/app/a.py")  # another repository's folder of that name

    assert removed_checkouts(f"{home}/app", edited, AgentsConfig()) == (f"{trees}/old/app",)


def test_agents_folders_are_those_of_the_settings_and_variables_of_now(home: Path) -> None:
    recorded = AgentsConfig(each={"codex": AgentConfig(env={"CODEX_HOME": str(home / "recorded")})})
    (home / "link").symlink_to(home / "target")
    asked = [(AgentsConfig(), {}), (recorded, {}), (AgentsConfig(), {"CODEX_HOME": str(home / "link")})]

    found = [agent_folders(agents, home, env) for agents, env in asked]

    assert found[1] - found[0] == {home / "recorded"}
    assert found[2] - found[0] == {home / "target"}
    assert agent_folders(AgentsConfig(), home, {}) == found[0]


@pytest.mark.parametrize("name", [".codex", ".config/opencode"])
def test_an_agents_folder_that_becomes_a_link_is_known_by_where_it_leads(home: Path, name: str) -> None:
    assert home / name in agent_folders(AgentsConfig(), home, {})
    (home / name).parent.mkdir(exist_ok=True)
    assert home / name in agent_folders(AgentsConfig(), home, {})

    (home / name).symlink_to(home / "dotfiles" / "agent")

    assert home / "dotfiles" / "agent" in agent_folders(AgentsConfig(), home, {})


def test_an_agents_folder_whose_disk_was_silent_is_known_once_it_answers(home: Path) -> None:
    presume_silent([str(home / ".codex")])
    assert home / ".codex" not in agent_folders(AgentsConfig(), home, {})

    DISKS.silent.pop(home / ".codex")

    assert home / ".codex" in agent_folders(AgentsConfig(), home, {})


def test_a_disk_that_falls_silent_is_not_asked_whether_its_folders_changed(home: Path) -> None:
    (home / "net" / "below").mkdir(parents=True)
    env = {"CODEX_HOME": str(home / "net" / "below" / "codex")}
    assert home / "net" / "below" / "codex" in agent_folders(AgentsConfig(), home, env)

    presume_silent([str(home / "net")])
    found = agent_folders(AgentsConfig(), home, env)
    DISKS.silent.pop(home / "net")

    assert home / "net" / "below" / "codex" not in found
    assert home / ".codex" in found


def test_a_folder_that_claims_to_be_a_worktree_of_another_repository_has_no_main_checkout(home: Path) -> None:
    root = repository(home / "app", {"a.py": "1\n"})
    git(root, "worktree", "add", "--quiet", str(home / "tree"))
    (home / "claims").mkdir()
    shutil.copy(home / "tree" / ".git", home / "claims" / ".git")

    assert find_root(str(home / "claims")) == ProjectRoot(str(home / "claims"))


def test_a_repository_in_the_home_folder_is_not_that_of_the_folders_below(home: Path) -> None:
    repository(home)
    (home / "notes").mkdir()

    assert [find_root(str(home / "notes")), find_root(str(home))] == [
        ProjectRoot(str(home / "notes")),
        ProjectRoot(str(home)),
    ]


def test_all_ways_to_a_folder_lead_to_one_project(home: Path) -> None:
    root = repository(home / "data" / "app", {"src/a.py": "1\n"})
    (home / "link").symlink_to(root)

    assert find_root(str(home / "link" / "src")) == ProjectRoot(str(root))


def test_what_only_looks_like_git_is_no_repository(home: Path) -> None:
    for name, text in (("a", "gitdir: /nowhere\n"), ("b", "no git file\n"), ("c", "gitdir: \n"), ("d", "gitdir: a\0b")):
        (home / name).mkdir()
        (home / name / ".git").write_text(text)
    (home / "e" / ".git").mkdir(parents=True)

    assert [Checkout(home / name).git_dir for name in "abcde"] == [None] * 5


def test_a_path_of_another_system_is_taken_as_it_is() -> None:
    assert [find_root(path).root for path in ("C:\\src\\app", "", "src/app")] == ["C:\\src\\app", "", "src/app"]


def test_a_path_that_no_system_opens_is_not_searched() -> None:
    """Each folder above it would be, which took 4 s for this one."""
    path = "/a" * 16_000 + "/"
    assert find_root(path) == ProjectRoot(path)
