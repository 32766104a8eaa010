"""No byte of `.carryover/` gets into a commit, whatever git does; where one could, none is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from carryover.config import Pointers, ProjectSettings
from carryover.probe.checkout import Checkout
from carryover.projects.handoff_file import Published
from carryover.projects.policy import LET_IN
from carryover.publish import publish as publishing
from carryover.redact import CleanText
from support.publishing import publish, withdraw
from support.repository import git, repository
from support.tools import program

TEXT = "# [CARRYOVER] Last updated 2026-11-20T06:02:26Z from Claude Code\n"
MODES: tuple[Pointers, ...] = ("shared", "local")


def published(root: Path, mode: Pointers = "shared", text: str = TEXT) -> Published:
    return publish(root, CleanText(text), ProjectSettings(pointers=mode))


def committed_all(root: Path) -> list[str]:
    """Commits all that git takes; returns what it has of ours."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "all")
    return [name for name in git(root, "ls-files").splitlines() if ".carryover" in name]


def handoffs(root: Path) -> list[str]:
    return sorted(path.name for path in (root / ".carryover").glob("handoff*"))


def plain(home: Path) -> Path:
    return repository(home / "app", {"a.py": "1\n"})


def worktree(home: Path) -> Path:
    git(plain(home), "worktree", "add", "--quiet", "../tree")
    return home / "tree"


def worktree_of_bare(home: Path) -> Path:
    git(home, "clone", "--quiet", "--bare", str(plain(home)), "bare.git")
    git(home / "bare.git", "worktree", "add", "--quiet", "../tree")
    return home / "tree"


def submodule(home: Path) -> Path:
    inner, outer = plain(home), repository(home / "outer", {"a.py": "1\n"})
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "inner")
    return outer / "inner"


def git_dir_elsewhere(home: Path) -> Path:
    root = plain(home)
    git(root, "init", "--quiet", "--separate-git-dir", str(home / "elsewhere.git"))
    return root


def without_info(home: Path) -> Path:
    root = plain(home)
    (root / ".git" / "info" / "exclude").unlink(missing_ok=True)
    (root / ".git" / "info").rmdir()
    return root


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        (plain, "shared"),
        (plain, "local"),
        (worktree, "local"),
        (worktree_of_bare, "shared"),
        (submodule, "local"),
        (git_dir_elsewhere, "shared"),
        (without_info, "local"),
    ],
)
def test_what_git_takes_back_does_not_open_the_folder_to_a_commit(
    home: Path, kind: Callable[[Path], Path], mode: Pointers
) -> None:
    root = kind(home)
    before = Checkout(root).exclude.read_bytes() if Checkout(root).exclude.exists() else None
    published(root, mode)

    for undo in (("reset", "--hard"), ("stash", "--include-untracked"), ("checkout", "."), ("clean", "-fd")):
        git(root, *undo)
        assert committed_all(root) == []
        published(root, mode, f"{TEXT}{undo}\n")
    assert handoffs(root) == ["handoff.md"]
    withdraw(root, ProjectSettings(pointers="off"))
    assert (Checkout(root).exclude.read_bytes() if Checkout(root).exclude.exists() else None) == before


def with_branches(home: Path) -> Path:
    """A repository whose branches contain rules for our folder, as a colleague or a stranger may commit them."""
    root = plain(home)
    for branch, name, text in (
        ("same", ".carryover/.gitignore", "*\n"),
        ("emptied", ".carryover/.gitignore", ""),
        ("let-in", ".gitignore", "!.carryover/\n"),
    ):
        git(root, "switch", "--quiet", "--create", branch, "main")
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
        git(root, "add", "--force", name)
        git(root, "commit", "--quiet", "--message", branch)
    git(root, "switch", "--quiet", "main")
    return root


@pytest.mark.parametrize(
    "commands",
    [
        ["switch same", "switch main"],
        ["merge same", "reset --hard HEAD~1"],
        ["merge emptied"],
        ["rebase emptied"],
        ["checkout emptied -- .carryover"],
        ["clean -fdx --exclude=*.md"],
        ["merge let-in"],
    ],
    ids=", ".join,
)
def test_where_git_takes_one_of_the_two_rules_the_other_holds(home: Path, commands: list[str]) -> None:
    """Git replaces and removes an ignored file silently, and the same command line may then add all files."""
    root = with_branches(home)
    published(root, "local")

    for command in commands:
        git(root, *command.split())

    assert handoffs(root) == ["handoff.md"]
    assert ".carryover/handoff.md" not in committed_all(root)


def test_what_takes_both_rules_is_noticed_by_the_next_publication(home: Path) -> None:
    root = with_branches(home)
    published(root, "local")

    git(root, "merge", "--quiet", "emptied")
    git(root, "merge", "--quiet", "let-in")

    assert ".carryover/handoff.md" in git(root, "status", "--porcelain")
    assert published(root, "local", "another\n").refusal is not None
    assert git(root, "status", "--porcelain") == ""
    assert handoffs(root) == []


def test_the_rule_is_there_before_the_first_byte(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = plain(home)
    seen = []

    def write(store: Path) -> None:
        seen.append((Checkout(root).exclude.read_text().endswith(".carryover/\n"), list(store.iterdir())))

    monkeypatch.setattr(publishing, "ignore_itself", write)
    published(root)

    assert seen == [(True, [])]


def test_a_folder_that_becomes_a_repository_has_a_rule_of_its_own(home: Path) -> None:
    (home / "new").mkdir()
    published(home / "new")
    git(home / "new", "init", "--quiet")

    assert committed_all(home / "new") == []


def tracked(root: Path) -> str:
    git(root, "add", "--force", ".carryover/handoff.md")
    return ".carryover is tracked by git, so a handoff would be committed; `git rm -r --cached .carryover` ends that"


def let_in(root: Path) -> str:
    (root / ".gitignore").write_text("!.carryover\n")
    return LET_IN


def let_in_by_exclude(root: Path) -> str:
    Checkout(root).exclude.write_text(".carryover/\n!.carryover/\n")
    return let_in(root)


def unwritable(root: Path) -> str:
    exclude = Checkout(root).exclude
    exclude.unlink()
    exclude.symlink_to(root / "a.py")
    return ".git/info/exclude was left alone: it is a symlink, so a handoff would be committed"


OPENINGS = [let_in, let_in_by_exclude, unwritable]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("opened", OPENINGS, ids=lambda opened: opened.__name__)
def test_where_git_would_take_it_nothing_is_written(home: Path, opened: Callable[[Path], str], mode: Pointers) -> None:
    root = plain(home)
    reason = opened(root)

    assert published(root, mode).refusal == reason
    assert not (root / ".carryover").exists()


@pytest.mark.parametrize("opened", [tracked, *OPENINGS], ids=lambda opened: opened.__name__)
def test_what_was_written_before_is_taken_out_until_git_keeps_it_out_again(
    home: Path, opened: Callable[[Path], str]
) -> None:
    root = plain(home)
    exclude = Checkout(root).exclude
    published(root, "local")
    reason = opened(root)

    assert published(root, "local", "another\n").refusal == reason
    assert handoffs(root) == []
    assert committed_all(root) == []

    (root / ".gitignore").unlink(missing_ok=True)
    exclude.unlink()
    assert (published(root, "local").refusal, handoffs(root)) == (None, ["handoff.md"])


def test_a_rule_that_takes_folders_back_in_counts_before_anything_is_written(home: Path) -> None:
    """Git takes a name for that of a folder only once there is one: it is asked again when the store is made."""
    root = plain(home)
    (root / ".gitignore").write_text("*\n!*.py\n!*/\n")

    for _ in range(2):
        assert published(root, "shared").refusal is not None
        assert not (root / ".carryover").exists()
        assert not (root / "AGENTS.md").exists()


def test_it_is_taken_out_also_where_the_journal_cannot_be_read(home: Path) -> None:
    root = plain(home)
    published(root, "local")
    reason = let_in(root)
    (home / ".carryover" / "journal.jsonl").unlink()
    (home / ".carryover" / "journal.jsonl").mkdir()

    assert published(root, "local", "another\n").refusal == reason
    assert handoffs(root) == []


def test_a_handoff_that_a_branch_has_stays_as_it_is_there(home: Path) -> None:
    root = plain(home)
    git(root, "switch", "--quiet", "--create", "theirs")
    (root / ".carryover").mkdir()
    (root / ".carryover" / "handoff.md").write_text(f"{TEXT}theirs\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "theirs")
    git(root, "switch", "--quiet", "main")
    published(root, "local")

    git(root, "switch", "--quiet", "theirs")
    (root / ".carryover" / "handoff.md").write_text(TEXT)  # as by a publication that the switch overtook

    assert published(root, "local").refusal is not None
    assert git(root, "status", "--porcelain") == ""
    git(root, "switch", "--quiet", "main")
    assert (published(root, "local").refusal, handoffs(root)) == (None, ["handoff.md"])


def test_a_checkout_in_the_middle_of_a_publication_is_noticed(home: Path) -> None:
    root = plain(home)

    def checkout() -> bool:
        let_in(root)
        return False

    done = publish(root, CleanText(TEXT), ProjectSettings(pointers="local"), beside=checkout)

    assert done.refusal is not None
    assert handoffs(root) == []


def test_a_repository_that_is_made_in_the_middle_of_a_publication_is_no_refusal(home: Path) -> None:
    """The call that creates it is read while it runs."""
    root = home / "app"
    root.mkdir()

    done = publish(root, CleanText(TEXT), ProjectSettings(pointers="local"), beside=lambda: not git(root, "init"))

    assert (done.refusal, handoffs(root)) == (None, ["handoff.md"])


def test_git_is_asked_again_only_if_something_changed_that_decides(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = plain(home)
    (root / ".gitignore").write_text("!keep\n")  # what files say is not enough, with such a rule and such a name
    (root / ".carryovers").write_text("1\n")
    git(root, "add", "--all")
    published(root, "local")
    program(home / "bin" / "git", "exit 128")
    with monkeypatch.context() as without_git:
        without_git.setenv("PATH", str(home / "bin"))
        assert published(root, "local", "another\n").refusal is None
        git_dir = root / ".git"
        for deciding in (git_dir / "HEAD", git_dir / "index", git_dir / "info" / "exclude", root / ".gitignore"):
            data = deciding.read_bytes() if deciding.exists() else b""
            deciding.write_bytes(data + b"\n")
            assert "git could not say" in (published(root, "local").refusal or "")
            deciding.write_bytes(data)


def test_the_rule_stays_while_another_checkout_has_a_handoff(home: Path) -> None:
    tree = worktree(home)
    for root in (home / "app", tree):
        published(root, "local")

    withdraw(home / "app", ProjectSettings(pointers="off"))
    assert committed_all(tree) == []
    assert ".carryover/" in Checkout(tree).exclude.read_text()

    withdraw(tree, ProjectSettings(pointers="off"))
    assert ".carryover/" not in Checkout(tree).exclude.read_text()


def test_a_project_whose_folder_git_cleaned_away_keeps_no_rule(home: Path) -> None:
    root = plain(home)
    before = (root / ".git/info/exclude").read_bytes()
    without_pointers = ProjectSettings(decided=False)
    assert publish(root, CleanText(TEXT), without_pointers).refusal is None
    git(root, "clean", "--quiet", "-fdx")
    (root / ".gitignore").write_text("*\n!*/\n")
    assert "takes .carryover back in" in (publish(root, CleanText(TEXT), without_pointers).refusal or "")
    assert (root / ".git/info/exclude").read_bytes() != before

    withdraw(root, ProjectSettings(pointers="off"))

    assert (root / ".git/info/exclude").read_bytes() == before
    assert not (root / ".carryover").exists()


def test_each_clone_worktree_and_submodule_ignores_its_handoff_though_only_pointers_are_committed(home: Path) -> None:
    """A teammate has the committed pointers, and no rule: it is made before the handoff."""
    first = repository(home / "first", {"a.py": "1\n"})
    published(first)
    git(first, "add", "AGENTS.md")
    git(first, "commit", "--quiet", "--message", "Point agents to the handoff")
    git(home, "clone", "--quiet", "first", "clone")
    git(first, "worktree", "add", "--quiet", "../tree")
    whole = repository(home / "whole", {"b.py": "1\n"})
    git(whole, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(first), "inner")
    git(whole, "commit", "--quiet", "--message", "inner")

    for root in (home / "clone", home / "tree", whole / "inner", whole):
        published(root)
        assert (root / ".carryover" / "handoff.md").exists(), root
        assert git(root, "check-ignore", "--no-index", ".carryover") == ".carryover\n", root
        assert not (root / ".gitignore").exists()
    for root in (home / "clone", home / "tree", whole / "inner"):
        assert git(root, "status", "--porcelain", "--untracked-files=all") == "", root
