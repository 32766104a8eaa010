"""Patches in shell commands: what is one, what it changes, and when that counts."""

from __future__ import annotations

import pytest

from agents.codex.rollout import SHOP, Rollout
from carryover.agents.codex.commands import confirmed, in_command, in_script
from carryover.model import FileEdit, ToolResult
from carryover.records.changes import Change

PATCH = "*** Begin Patch\n*** Delete File: a.py\n*** End Patch"
TWO = "*** Begin Patch\n*** Update File: b.py\n@@\n-x\n+y\n*** End Patch"


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("apply_patch <<'EOF'\n{patch}\nEOF", f"{SHOP}/a.py"),
        ('apply_patch <<"EOF"\n{patch}\nEOF\n', f"{SHOP}/a.py"),
        ("applypatch <<X\n{patch}\nX", f"{SHOP}/a.py"),
        ("apply_patch << 'PATCH'\n{patch}\nPATCH\n", f"{SHOP}/a.py"),
        ("cat <<'EOF' | apply_patch\n{patch}\nEOF", f"{SHOP}/a.py"),
        ("apply_patch '{patch}'", f"{SHOP}/a.py"),
        ('apply_patch "\n{patch}\n"', f"{SHOP}/a.py"),
        ("@'\n{patch}\n'@ | apply_patch", f"{SHOP}/a.py"),
        ("apply_patch @'\r\n{patch}\r\n'@\r\n", f"{SHOP}/a.py"),
        ("cd sub && apply_patch <<'EOF'\n{patch}\nEOF", f"{SHOP}/sub/a.py"),
        ("cd '/srv/my app' && apply_patch <<'EOF'\n{patch}\nEOF", "/srv/my app/a.py"),
    ],
)
def test_a_command_that_only_hands_a_patch_over(command: str, path: str) -> None:
    assert in_command(command.format(patch=PATCH), SHOP) == (Change(path=path, change="delete"),)


@pytest.mark.parametrize(
    "command",
    [
        "make",
        "",
        "apply_patch <<'EOF'\n*** Begin Patch\nno end",
        f"cd $X && apply_patch <<'EOF'\n{PATCH}\nEOF",
        f"make && apply_patch <<'EOF'\n{PATCH}\nEOF",
        f"apply_patch <<'EOF'\n{PATCH}\nEOF\nrm b",
        f"apply_patch <<'EOF'\n{PATCH}\nOTHER",
        f"apply_patch <<'A'\n{PATCH}\nA\napply_patch <<'A'\n{TWO}\nA",
        f"cat <<'EOF' > p.diff\n{PATCH}\nEOF",
    ],
)
def test_other_commands_are_not_one(command: str) -> None:
    assert in_command(command, SHOP) is None


def test_a_script_may_patch_among_other_things() -> None:
    script = f"cd lib && apply_patch <<'A'\n{PATCH}\nA\napply_patch <<'A'\n{TWO}\nA\nmake test"

    assert [change.path for change in in_script(script, SHOP)] == [f"{SHOP}/lib/a.py", f"{SHOP}/lib/b.py"]


@pytest.mark.parametrize(
    "script",
    [
        f"cat <<'EOF' > notes.md\n{PATCH}\nEOF",
        f"make; cd lib; apply_patch <<'A'\n{PATCH}\nA",
        "apply_patch --help",
        "*** Begin Patch" * 60_000,
    ],
)
def test_what_surely_is_no_patch_of_a_known_folder_changes_nothing(script: str) -> None:
    assert in_script(script, SHOP) == ()


def test_of_a_script_those_changes_count_that_its_output_tells_of() -> None:
    """A script goes on after a patch that failed, and may end well."""
    script = f"apply_patch <<'A'\n{PATCH}\nA\napply_patch <<'A'\n{TWO}\nA\nmake -s"
    rollout = Rollout(family="legacy", version="0.34.0")
    output = "Failed to find expected lines in a.py\nSuccess. Updated the following files:\nM b.py\n"
    reported = rollout.runs("shell", f"Exit code: 0\nOutput:\n{output}", command=["bash", "-lc", script])

    assert [type(body) for body in reported] == [ToolResult, FileEdit]
    assert [body.path for body in reported if isinstance(body, FileEdit)] == [f"{SHOP}/b.py"]


def test_without_a_word_of_success_nothing_is_confirmed() -> None:
    changes = (Change(path="C:\\dev\\shop\\src\\a.cs", change="modify"),)

    assert confirmed(changes, "M src/a.cs\n") == ()
    assert confirmed(changes, "Success. Updated the following files:\r\nM src/a.cs\r\n") == changes
    assert confirmed(changes, "Success. Updated the following files:\nM a.css\n") == ()
