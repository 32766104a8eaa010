from __future__ import annotations

import json
from pathlib import Path

import pytest

from carryover.cli.why import summary
from carryover.errors import ExitCode
from carryover.views.file_history import Change
from support.recorded_shop import Run


def test_the_turns_that_changed_a_file_are_listed_with_their_prompts(
    recorded: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recorded)

    code, out, _ = run("why", "cart.py")

    assert code == ExitCode.OK
    header, *lines = out.splitlines()
    assert header.split() == ["WHEN", "AGENT", "SESSION", "CHANGE", "PROMPT"]
    assert "discount" in lines[-1]
    changes = json.loads(run("why", "cart.py", "--json")[1])
    assert {change["path"] for change in changes} == {str(recorded / "cart.py")}


def test_a_deleted_file_and_a_path_over_a_link_are_known(recorded: Path, run: Run, home: Path) -> None:
    (recorded / "cart.py").unlink()
    (home / "link").symlink_to(recorded)

    assert run("why", str(home / "link" / "cart.py"))[0] == ExitCode.OK


def test_a_file_that_no_agent_changed_is_not_known(recorded: Path, run: Run, home: Path) -> None:
    for path in (recorded / "never.py", recorded / "sub" / "cart.py", home / "elsewhere" / "cart.py"):
        code, out, err = run("why", str(path))
        assert (code, out) == (ExitCode.NOTHING_FOUND, "")
        assert f"No agent is known to have changed {path}." in err


@pytest.mark.parametrize(
    ("change", "edits", "added", "removed", "expected"),
    [
        ("modify", 1, 12, 3, "+12 -3"),
        ("add", 2, 40, None, "new +40 (2 edits)"),
        ("modify", 1, None, None, "edited"),
        ("delete", 1, None, 9, "deleted -9"),
    ],
)
def test_a_change_is_told_in_a_few_words(
    change: str, edits: int, added: int | None, removed: int | None, expected: str
) -> None:
    row = Change(
        at_ms=1,
        agent="a",
        session="s",
        subagent_id=None,
        prompt=None,
        change=change,
        path="/a",
        old_path=None,
        edits=edits,
        added=added,
        removed=removed,
    )
    assert summary(row) == expected
