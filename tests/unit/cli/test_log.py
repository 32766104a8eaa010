from __future__ import annotations

import json
from pathlib import Path

from carryover.errors import ExitCode
from support.recorded_shop import Run


def test_the_timeline_of_a_project_is_printed_newest_first(recorded: Path, run: Run) -> None:
    code, out, _ = run("log", str(recorded))

    assert code == ExitCode.OK
    header, *lines = out.splitlines()
    assert header.split() == ["WHEN", "AGENT", "SESSION", "WHAT", "TEXT"]
    prompts = [line for line in lines if "  prompt " in line]
    assert "Wire discount into checkout" in prompts[0]
    assert sum("  session" in line for line in lines) == 2


def test_the_number_of_lines_is_bounded_and_data_is_in_the_same_order(recorded: Path, run: Run) -> None:
    moments = json.loads(run("log", str(recorded), "--json")[1])

    assert [moment["at_ms"] for moment in moments] == sorted((m["at_ms"] for m in moments), reverse=True)
    assert json.loads(run("log", str(recorded), "--json", "-n", "2")[1]) == moments[:2]


def test_where_nothing_matches_it_says_so(recorded: Path, run: Run, home: Path) -> None:
    assert run("log", str(recorded), "--since", "2030-01-01")[0] == ExitCode.NOTHING_FOUND
    assert run("log", str(recorded), "--agent", "codex")[0] == ExitCode.NOTHING_FOUND
    assert run("log", str(home))[0] == ExitCode.NOTHING_FOUND
