from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from carryover.errors import ExitCode
from carryover.fsio import private_dir
from carryover.past.context import state_dir
from carryover.past.opened import MANY
from carryover.past.without_daemon import catch_up
from support.claude_session import ClaudeWork
from support.recorded_shop import Run
from support.tools import program

pytestmark = pytest.mark.usefixtures("utc")

MODEL = "claude-opus-5-5"
USED = {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 200}


def answered(work: ClaudeWork, answer: str, *, model: str = MODEL, usage: Mapping[str, int] = USED) -> bytes:
    """A record of an answer: the client writes one for each block, with the usage as far as it is known by then."""
    content = [{"type": "text", "text": "Done."}]
    message = {"id": answer, "role": "assistant", "model": model, "content": content, "usage": usage}
    return work.line(type="assistant", message=message, requestId=f"req_{answer}")


def read(work: ClaudeWork) -> None:
    private_dir(state_dir().root)
    catch_up(str(work.cwd))


def used(run: Run, *arguments: str) -> Any:
    code, out, _ = run("usage", "--since", "2026-01-01", "--json", *arguments)
    assert code == ExitCode.OK
    return json.loads(out)


def tokens(row: Any) -> tuple[int, ...]:
    return tuple(row["tokens"][name] for name in ("input", "output", "cache_write", "cache_read"))


def test_each_answer_counts_once_with_its_last_count_also_in_a_fork(work: ClaudeWork, run: Run) -> None:
    work.prompt("Add a discount")
    records = [answered(work, "msg_1", usage=USED | {"output_tokens": output}) for output in (1, 90, 90)]
    fork = ClaudeWork(work.folder, work.cwd, now=work.now)
    fork.prompt("Try it the other way")
    for record in records:
        work.append(record)
        fork.append(record.replace(work.session.encode(), fork.session.encode()))
    read(work)

    assert tokens(used(run)["total"]) == (10, 90, 200, 1000)


def test_what_was_used_is_told_apart_by_day_agent_model_and_project(work: ClaudeWork, run: Run) -> None:
    work.now = datetime(2026, 11, 18, 23, 59, 50, tzinfo=UTC)
    work.prompt("Add a discount")
    work.append(answered(work, "msg_1"))
    work.now += timedelta(hours=1)
    work.append(answered(work, "msg_2", model="claude-haiku-5", usage=USED | {"input_tokens": 7}))
    work.append(answered(work, "msg_3", model="", usage=USED | {"input_tokens": 1}))
    read(work)

    rows = {by: [(row["name"], tokens(row)[0]) for row in used(run, "--by", by)["rows"]] for by in ("day", "model")}
    assert rows["day"] == [("2026-11-18", 10), ("2026-11-19", 8)]
    assert rows["model"] == [(MODEL, 10), ("claude-haiku-5", 7), ("unknown", 1)], "by what they used most"
    assert [row["name"] for row in used(run, "--since", "2026-11-19")["rows"]] == ["2026-11-19"]
    assert [row["name"] for row in used(run, "--by", "agent")["rows"]] == ["Claude Code"]
    assert [row["name"] for row in used(run, "--by", "project")["rows"]] == [str(work.cwd)]


def test_one_project_has_its_own_sums_and_its_name_above_them(work: ClaudeWork, home: Path, run: Run) -> None:
    other = ClaudeWork(work.folder, home / "elsewhere", now=work.now)
    other.cwd.mkdir()
    for each, answer in ((work, "msg_1"), (other, "msg_2")):
        each.prompt("Add a discount")
        each.append(answered(each, answer, usage=USED | {"input_tokens": 7 if each is other else 10}))
        read(each)

    assert tokens(used(run)["total"])[0] == 17
    found = used(run, "--project", str(other.cwd))
    assert (found["project"], tokens(found["total"])[0]) == (str(other.cwd), 7)
    since = ("--since", "2026-01-01")
    assert run("usage", *since, "--project", str(other.cwd))[1].startswith("Tokens in ~/elsewhere since 2026-01-01 ")
    assert "No session is recorded for" in run.err(ExitCode.NOTHING_FOUND, "usage", "--project", str(home))


def test_prices_of_an_earlier_version_are_ignored_and_named(work: ClaudeWork, run: Run) -> None:
    work.prompt("Add a discount")
    work.append(answered(work, "msg_1"))
    read(work)
    state_dir().config.write_text(f'[prices."{MODEL}"]\ninput = 5\n')

    assert used(run)["total"] == {"name": "total", "tokens": used(run)["total"]["tokens"]}
    assert "prices is unknown; it is ignored" in "".join(run("config")[1:])


def test_the_table_keeps_cache_reads_apart_and_status_says_what_today_took(work: ClaudeWork, run: Run) -> None:
    work.now = datetime.now(UTC) - timedelta(seconds=9)
    many = USED | {"input_tokens": 1_200_000, "cache_read_input_tokens": 9_800_000}
    work.prompt("Add a discount")
    work.append(answered(work, "msg_1", usage=many))
    read(work)

    title, heads, *rows, total = run("usage")[1].splitlines()
    assert title.startswith("Tokens in all projects since 2") and title.endswith(" 00:00:")
    assert heads.split("  ")[0] == "DAY"
    assert heads.split()[1:] == ["INPUT", "OUTPUT", "CACHE", "WRITTEN", "CACHE", "READ"]
    assert [row.split()[1:] for row in rows] == [total.split()[1:]] == [["1,200,000", "5", "200", "9,800,000"]]
    (line,) = (line for line in run("status")[1].splitlines() if line.startswith("usage"))
    assert "1.2 M tokens, 9.8 M more from the cache" in line


def test_what_is_forgotten_is_not_counted_and_does_not_come_back(work: ClaudeWork, run: Run) -> None:
    work.now = datetime(2026, 11, 18, 12, tzinfo=UTC)
    work.prompt("Add a discount")
    work.append(answered(work, "msg_1"))
    work.now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    work.prompt("Go on")
    work.append(answered(work, "msg_2"))
    read(work)
    assert tokens(used(run)["total"]) == (20, 10, 400, 2000)

    assert run("forget", "--since", "2026-11-20", "--yes")[0] == ExitCode.OK
    work.append(answered(work, "msg_3"))
    read(work)
    assert [row["name"] for row in used(run)["rows"]] == ["2026-11-18"]

    assert run("forget", work.session, "--yes")[0] == ExitCode.OK
    work.append(answered(work, "msg_4"))
    read(work)
    assert "No tokens are recorded since 2026-01-01 00:00." in run("usage", "--since", "2026-01-01")[2]
    assert "No tokens are recorded since 2099-01-01 00:00." in run("usage", "--since", "2099-01-01")[2]


def test_where_nothing_is_recorded_the_message_says_why(work: ClaudeWork, run: Run) -> None:
    read(work.work())
    assert run("usage", "--since", "in the future")[0] == ExitCode.USAGE

    code, out, said = run("usage", "--since", datetime.now(UTC).date().isoformat() + "T23:59")
    assert (code, out) == (ExitCode.NOTHING_FOUND, "")
    assert "Some agents record none" in said


def test_what_the_sums_lack_is_said(work: ClaudeWork, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions with answers but no tokens."""
    work.prompt("Add a discount")
    work.append(answered(work, "msg_0", usage={}))
    read(work)
    other = ClaudeWork(work.folder, work.cwd, now=work.now)
    other.prompt("Nobody has answered this")
    read(other)
    said = run("usage", "--since", "2026-01-01")[2]
    assert "Not counted, since no tokens are recorded for them: 1 session of Claude Code." in said

    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    work.append(answered(work, "msg_1"))
    read(work)
    other.append(answered(other, "msg_2", usage={}))
    read(other)
    said = run("usage", "--since", "2026-01-01")[1]
    assert "\nNot counted, since no tokens are recorded for them: 1\nsession of Claude Code.\n" in said
    other.append(answered(other, "msg_3"))
    read(other)
    assert "Not counted, since" not in run("usage", "--since", "2026-01-01")[1]


def test_a_note_is_not_said_to_lack_tokens(work: ClaudeWork, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "note.md"
    file.write_text("Round to whole cents.\n")
    run.out("note", str(file), "--project", str(work.cwd))

    assert "Not counted" not in run("usage", "--since", "2026-01-01")[2]


def test_a_project_without_a_ledger_is_counted_from_disk(work: ClaudeWork, run: Run, home: Path) -> None:
    work.prompt("Add a discount")
    work.append(answered(work, "msg_1"))

    assert tokens(used(run)["total"]) == (10, 5, 200, 1000)


def test_where_many_transcripts_are_read_each_time_it_is_said_what_keeps_them(
    work: ClaudeWork, run: Run, home: Path
) -> None:
    work.prompt("Add a discount")
    for _ in range(MANY - 1):
        ClaudeWork(work.folder, work.cwd, now=work.now).prompt("Add a rebate")
    assert "are read for this" not in run("sessions")[2]
    ClaudeWork(work.folder, work.cwd, now=work.now).prompt("Add a rebate")
    assert f"{MANY + 1} transcripts are read for this" in run("sessions")[2]
    program(home / ".local" / "bin" / "claude", "")
    assert run("to", "claude", str(work.cwd))[2].count("are read for this") == 1, "the second page reads them again"

    read(work)

    assert "are read for this" not in run("sessions")[2]
