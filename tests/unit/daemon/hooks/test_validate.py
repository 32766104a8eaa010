from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from carryover.adapter.contract import Agent, HookEvent
from carryover.agents import adapters
from carryover.daemon.hooks.validate import Call, Refused, Transcript, check_call, check_folder, check_transcript
from carryover.facts import ProjectRoot
from carryover.projects.root import find_root

SESSION = "c0de0000-0000-4000-8000-000000000001"
OUTSIDE = Refused("transcript: not in a folder of this agent")
LINK = Refused("transcript: a symlink")
FOREIGN = Refused("transcript: belongs to another user")


@pytest.fixture
def agent() -> Agent:
    return adapters()["claude-code"]


@pytest.fixture
def root(home: Path) -> Path:
    """A folder that is known to hold transcripts."""
    root = home / ".claude" / "projects"
    root.mkdir(parents=True)
    return root


@pytest.fixture
def transcript(root: Path) -> Path:
    path = root / "-home-dev-shop" / f"{SESSION}.jsonl"
    path.parent.mkdir()
    path.touch()
    return path


def place_of(found: Transcript | Refused) -> tuple[str, Path] | Refused:
    return found if isinstance(found, Refused) else (found.source.path, found.root)


def test_elsewhere_its_layout_is_enough_only_for_callers_who_are_known(
    agent: Agent, root: Path, tmp_path: Path
) -> None:
    """Users move the folder by CLAUDE_CONFIG_DIR, which the daemon does not see."""
    moved = tmp_path / "config" / "projects"
    path = moved / "-home-dev-shop" / f"{SESSION}.jsonl"
    path.parent.mkdir(parents=True)
    path.touch()

    assert place_of(check_transcript(str(path), agent, [root], authenticated=True)) == (str(path), moved)
    assert check_transcript(str(path), agent, [root], authenticated=False) == OUTSIDE


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("relative/x.jsonl", "not an absolute path"),
        ("", "not an absolute path"),
        ("~/.claude/projects/x.jsonl", "not an absolute path"),
        ("/a\0b", "not an absolute path"),
        ("/" + "a" * 5000, "not an absolute path"),
        ("/\ud800", "not text"),
        ("/a/../b", "leads upwards"),
        ("/a/..", "leads upwards"),
    ],
)
def test_what_is_no_plain_path_is_refused(agent: Agent, root: Path, home: Path, given: str, reason: str) -> None:
    assert check_transcript(given, agent, [root], authenticated=True) == Refused(reason)
    assert check_folder(given, root_of=find_root) == Refused(reason)


def test_a_symlink_below_the_folder_is_refused(agent: Agent, root: Path, transcript: Path) -> None:
    linked_file = transcript.with_name(f"{SESSION[:-1]}2.jsonl")
    linked_file.symlink_to(transcript)
    linked_folder = root / "-home-dev-linked"
    linked_folder.symlink_to(transcript.parent)
    dangling = transcript.with_name(f"{SESSION[:-1]}3.jsonl")
    dangling.symlink_to(root / "nothing")

    for path in (linked_file, linked_folder / transcript.name, dangling):
        assert check_transcript(str(path), agent, [root], authenticated=True) == LINK


def test_the_folder_itself_may_be_reached_over_a_link_and_is_one_and_the_same(
    agent: Agent, home: Path, tmp_path: Path
) -> None:
    """As with dotfiles that are kept in a repository. Else a transcript would be read twice, under two names."""
    real = tmp_path / "dotfiles"
    (real / "projects" / "-home-dev-shop").mkdir(parents=True)
    (home / ".claude").symlink_to(real)
    root = home / ".claude" / "projects"
    named = root / "-home-dev-shop" / f"{SESSION}.jsonl"
    resolved = real / "projects" / "-home-dev-shop" / f"{SESSION}.jsonl"
    resolved.touch()

    for path in (named, resolved):
        assert place_of(check_transcript(str(path), agent, [root], authenticated=False)) == (str(named), root)


def test_what_belongs_to_another_user_is_refused(agent: Agent, root: Path, transcript: Path) -> None:
    other = os.geteuid() + 1
    assert check_transcript(str(transcript), agent, [root], authenticated=True, uid=other) == FOREIGN

    missing = root / "-home-dev-new" / transcript.name
    assert check_transcript(str(missing), agent, [root], authenticated=True, uid=other) == FOREIGN


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_or_folder_on_the_way_that_was_given_away_is_refused(agent: Agent, root: Path, transcript: Path) -> None:
    os.chown(transcript, 4711, -1)
    assert check_transcript(str(transcript), agent, [root], authenticated=True) == FOREIGN
    os.chown(transcript, 0, -1)
    os.chown(transcript.parent, 4711, -1)
    assert check_transcript(str(transcript), agent, [root], authenticated=True) == FOREIGN


def test_a_link_to_a_project_is_the_project_and_one_inside_it_is_refused(home: Path, tmp_path: Path) -> None:
    """A repository may bring a link along that leads into another project."""
    shop, blog = tmp_path / "shop", tmp_path / "blog"
    for top in (shop, blog):
        (top / "src").mkdir(parents=True)
        subprocess.run(["git", "init", "-q", str(top)], check=True)
    (tmp_path / "link").symlink_to(shop)
    (shop / "vendor").symlink_to(blog / "src")
    inside = Refused("folder: a symlink inside a project")

    assert check_folder(str(tmp_path / "link"), root_of=find_root) == ProjectRoot(str(shop), None)
    assert check_folder(str(tmp_path / "link" / "src"), root_of=find_root) == ProjectRoot(str(shop), None)
    assert check_folder(str(shop / "vendor"), root_of=find_root) == inside


def test_a_folder_that_is_a_file_is_refused(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert check_folder(str(tmp_path / "file"), root_of=find_root) == Refused("folder: not a folder")
    assert check_folder("/dev/null", root_of=find_root) == Refused("folder: not a folder")


def test_of_a_stranger_only_a_transcript_that_exists_is_taken(
    agent: Agent, root: Path, transcript: Path, home: Path, tmp_path: Path
) -> None:
    missing = transcript.with_name(f"{SESSION[:-1]}2.jsonl")

    def check(path: Path, *, authenticated: bool) -> Call | Refused:
        reading = HookEvent(action="hint", session=SESSION, cwd=str(tmp_path), transcript=str(path))
        return check_call(agent, reading, (root,), authenticated=authenticated, root_of=find_root)

    calls = [check(path, authenticated=known) for known in (True, False) for path in (transcript, missing)]

    project = ProjectRoot(str(tmp_path), None)
    assert [
        isinstance(call, Call) and (call.transcript.source.path if call.transcript else None, call.project)
        for call in calls
    ] == [(str(transcript), project), (str(missing), project), (str(transcript), None), (None, None)]


def test_a_call_with_one_bad_path_is_refused_as_a_whole(agent: Agent, root: Path, transcript: Path, home: Path) -> None:
    good = HookEvent(action="hint", session=SESSION, cwd=str(home), transcript=str(transcript))
    bad_folder = HookEvent(action="hint", session=SESSION, cwd="/a/../b", transcript=str(transcript))
    bad_file = HookEvent(action="hint", session=SESSION, cwd=str(home), transcript="/etc/passwd")

    answers = [
        check_call(agent, call, (root,), authenticated=True, root_of=find_root) for call in (good, bad_folder, bad_file)
    ]

    assert [isinstance(answer, Refused) for answer in answers] == [False, True, True]


@pytest.mark.parametrize("name", ["settings.json", "-home-dev-shop/notes.txt", f"{SESSION}.jsonl", "-home/a/b/c.jsonl"])
def test_nor_another_file_in_the_agents_folder(agent: Agent, root: Path, name: str) -> None:
    found = check_transcript(str(root / name), agent, [root], authenticated=True)
    assert found == Refused("transcript: not named as this agent names them")


def test_what_is_no_regular_file_is_refused(agent: Agent, root: Path, transcript: Path) -> None:
    transcript.unlink()
    odd = Refused("transcript: not a regular file")

    transcript.mkdir()
    assert check_transcript(str(transcript), agent, [root], authenticated=True) == odd
    transcript.rmdir()
    os.mkfifo(transcript)
    assert check_transcript(str(transcript), agent, [root], authenticated=True) == odd
