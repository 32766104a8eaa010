"""What Carryover itself wrote into a project is no change of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.facts import GitFacts
from carryover.probe.git import ChangedSince, OwnWrites, changed_since, git_facts
from support.repository import git, repository

PATIENT_S = 20.0


def short_head(root: Path) -> str:
    return git(root, "rev-parse", "--short", "HEAD").strip()


def without_ours(data: bytes) -> bytes:
    return data.replace(b"\nOURS\n", b"").removeprefix(b"OURS\n")


OWN = OwnWrites(folder=".carryover", without={"AGENTS.md": without_ours})


def test_what_carryover_itself_wrote_is_no_change(tmp_path: Path) -> None:
    root = repository(tmp_path, {"a.py": "1\n", "AGENTS.md": "Be brief.\n"})
    then = short_head(root)
    (root / "AGENTS.md").write_text("Be brief.\n\nOURS\n")
    (root / ".carryover").mkdir()
    (root / ".carryover" / "handoff.md").write_text("# [CARRYOVER]\n")

    assert git_facts(root, own=OWN, timeout_s=PATIENT_S) == GitFacts(branch="main", head=then, subject="first commit")
    assert changed_since(root, since=then, own=OWN, timeout_s=PATIENT_S) == ChangedSince(head=then, changed_files=0)

    git(root, "commit", "--quiet", "--all", "--message", "with the block")
    assert changed_since(root, since=then, own=OWN, timeout_s=PATIENT_S) == ChangedSince(
        head=short_head(root), changed_files=0
    )


def test_a_file_in_which_the_user_changed_something_too_counts(tmp_path: Path) -> None:
    root = repository(tmp_path, {"a.py": "1\n", "AGENTS.md": "Be brief.\n"})
    (root / "AGENTS.md").write_text("Be very brief.\n\nOURS\n")
    (root / "a.py").write_text("2\n")
    head = short_head(root)

    facts = git_facts(root, own=OWN, timeout_s=PATIENT_S)

    assert facts is not None
    assert facts.changed_files == 2
    assert changed_since(root, since=head, own=OWN, timeout_s=PATIENT_S) == ChangedSince(head=head, changed_files=2)


@pytest.mark.parametrize(("text", "untracked"), [("OURS\n", 0), ("Be brief.\n\nOURS\n", 1), ("Be brief.\n", 1)])
def test_a_new_file_counts_unless_it_holds_our_text_alone(tmp_path: Path, text: str, untracked: int) -> None:
    root = repository(tmp_path, {"a.py": "1\n"})
    (root / "AGENTS.md").write_text(text)
    (root / "docs").mkdir()
    (root / "docs" / "AGENTS.md").write_text("OURS\n")

    facts = git_facts(root, own=OWN, timeout_s=PATIENT_S)

    assert facts is not None
    assert facts.untracked == untracked + 1, "in a folder below it is nobody's but the user's"


def test_our_text_is_known_in_the_file_that_a_link_of_that_name_leads_to(tmp_path: Path) -> None:
    root = repository(tmp_path, {"docs/agents.md": "Be brief.\n"})
    (root / "AGENTS.md").symlink_to("docs/agents.md")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "a link")
    (root / "docs" / "agents.md").write_text("Be brief.\n\nOURS\n")

    facts = git_facts(root, own=OWN, timeout_s=PATIENT_S)

    assert facts is not None
    assert facts.changed_files == 0


def test_a_renamed_file_counts_once(tmp_path: Path) -> None:
    root = repository(tmp_path, {"a.py": "1\n2\n3\n4\n5\n6\n7\n8\n"})
    git(root, "mv", "a.py", "b.py")
    (root / "b.py").write_text("1\n2\n3\n4\n5\n6\n7\n8\n9\n")

    facts = git_facts(root, own=OWN, timeout_s=PATIENT_S)

    assert facts is not None
    assert (facts.changed_files, facts.insertions, facts.deletions) == (1, 1, 0)
