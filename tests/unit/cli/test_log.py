from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

from carryover.errors import ExitCode
from support.claude_work import ClaudeWork, commit, head
from support.recorded_shop import Run
from support.repository import repository


def test_the_timeline_of_a_project_is_printed_newest_first(recorded: Path, run: Run) -> None:
    code, out, _ = run("log", str(recorded))

    assert code == ExitCode.OK
    entries = [line for line in out.splitlines() if not line.startswith("  ")]
    texts = [line for line in out.splitlines() if line.startswith("  ")]
    assert all(re.match(r"(.+ ago|just now|\d{4}-\d\d-\d\d) · Claude Code · c0de", line) for line in entries)
    assert sum(" · session" in line for line in entries) == 2
    assert next(text for text in texts if "Wire discount into checkout" in text)


def test_where_nothing_matches_it_says_so(recorded: Path, run: Run, home: Path) -> None:
    assert run("log", str(recorded), "--since", "2030-01-01")[0] == ExitCode.NOTHING_FOUND
    assert run("log", str(recorded), "--agent", "codex")[0] == ExitCode.NOTHING_FOUND
    assert run("log", str(home))[0] == ExitCode.NOTHING_FOUND


def test_a_commit_is_shown_with_the_session_that_made_it_or_whose_edits_it_holds(home: Path, run: Run) -> None:
    shop = repository(home / "shop", {"cart.py": "total = 0\n", "notes.txt": "\n"})
    work = ClaudeWork(home / ".claude" / "projects", shop)
    work.now -= timedelta(hours=3)
    work.prompt("add a discount")
    work.edit("cart.py", "total = 0", "total = 0\ndiscount = 0")
    own = work.commit("Add a discount")
    work.edit("cart.py", "discount = 0", "discount = 5")
    work.later(minutes=5)
    commit(shop, "Raise it", at=work.now)
    raised = head(shop)
    (shop / "notes.txt").write_text("by hand\n")
    commit(shop, "Something else", at=work.now)

    commits = [each for each in json.loads(run("log", str(shop), "--json")[1]) if each["kind"] == "commit"]
    out = run("log", str(shop))[1]

    assert [(each["commit"], each["how"], each["text"]) for each in commits] == [
        (raised, "edits", "Raise it"),
        (own, "command", "Add a discount"),
    ]
    assert f" · commit with its edits · {raised[:8]}\n  Raise it\n" in out
    assert f" · commit · {own[:8]}\n  Add a discount\n" in out
    assert "Something else" not in out
