"""Patches in shell commands: what is one, and what it changes."""

from __future__ import annotations

import pytest

from agents.codex.rollout import SHOP
from carryover.agents.codex.commands import in_command
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
