"""The report for an issue holds what helps, and nothing that anyone else wrote or named."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.config import Config, load_config
from carryover.daemon.health import TaskState
from carryover.declared_source import DeclaredSource
from carryover.install.agent_report import HooksReport
from carryover.ledger.rows import BrokenSource, Incident, SkippedRow
from carryover.past.findings.facts import Gathered
from carryover.past.findings.for_issue import report_for_issue, version_number
from support.reports import CLAUDE, HEALTHY, LEDGER, RUNNING, changed

AT_MS: Final = 1795411800000
NAME: Final = "Zanzibar"
HOSTILE: Final = f"/home/{NAME}/private {NAME}Error {NAME}.local feature/{NAME}\n\x1b[31m{NAME}: hello"


def made(facts: Gathered) -> str:
    return report_for_issue(facts, AT_MS)


def poisoned(record: Any) -> Any:
    """`record` with hostile text in place of each text in it, at any depth, but for what has a closed set of values."""
    closed = ("id", "state", "kind", "mode", "check", "level", "fix", "agent", "installed_by", "config")
    values = {
        name: value if name in closed and isinstance(value, str | Config) else poisoned_value(value)
        for name, value in msgspec.structs.asdict(record).items()
    }
    return msgspec.structs.replace(record, **values)


def poisoned_value(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return poisoned(value)
    if isinstance(value, tuple | list):
        return type(value)(poisoned_value(one) for one in value)
    if isinstance(value, dict):
        return {f"{HOSTILE}{place}": one for place, one in enumerate(value.values())}
    return HOSTILE if isinstance(value, str) else value


FULL: Final = changed(
    HEALTHY,
    daemon=msgspec.structs.replace(
        RUNNING, tasks=[TaskState("reader", "waiting", 3, "KeyError at carryover.ledger.store:88")]
    ),
    agents=(CLAUDE, msgspec.structs.replace(CLAUDE, id="codex", hooks=HooksReport(missing=("Stop",)))),
    config=Config(sources=(DeclaredSource(agent="mine", files=("/srv/mine/*.jsonl",)),)),
    ledger=msgspec.structs.replace(
        LEDGER,
        events=345,
        redactions={"token": 7},
        skipped=(SkippedRow(agent="codex", agent_version="0.169.0", record_type="x", reason="y", n=9, last_ms=1),),
        broken=(BrokenSource(agent="mine", path="/x", error="no", failures=1, retry_ms=0),),
        incidents=(Incident(at_ms=AT_MS, text="was damaged"),),
    ),
    corrupt_ledgers={"/x": 1},
)


def test_it_says_what_an_answer_needs() -> None:
    lines = made(FULL).splitlines()

    assert {
        "  carryover 1.0.0, pipx",
        "  Linux 6.1.0, x86_64",
        "  git 2.47.0",
        "  claude-code: version 2.1.328 (ok), selected True, hooks present 2, sessions 0",
        "  codex: version 2.1.328 (ok), selected True, hooks missing 1, sessions 0",
        "  declared by the user: 1",
        "  hooks: wrong, 1",
        "  tasks: waiting 1; restarts 3",
        "  a task failed: KeyError",
        "  not understood, codex 0.169.0: 9",
        "  cannot be read, a declared source: 1",
        "  secrets redacted 7",
        "  ledger repaired 2026-11-23 05:30 UTC",
    } - set(lines) == set()


def test_hostile_text_in_every_field_shows_nowhere() -> None:
    """Versions, paths, errors, incidents, titles, names of tasks, projects and machines alike."""
    text = made(poisoned(FULL))

    assert [line for line in text.splitlines() if NAME in line or "private" in line or "\x1b" in line] == []
    assert text.count("\n") < 60


def test_settings_show_their_numbers_and_choices_and_no_text(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"""\
{NAME} = 1
[resume]
mode = "brief"
[publish]
active_days = 3
shared_since = 2026-11-20T06:00:00Z
projects = {{ "{NAME}/*" = "off" }}
[projects]
exclude = ["{NAME}"]
[sync]
every = "5m"
[agents]
selected = ["codex", "{NAME}"]
[agents.codex]
roots = ["/home/{NAME}"]
env = {{ {NAME} = "{NAME}" }}
""")

    text = made(changed(HEALTHY, config=load_config(file)))

    settings = text.partition("defaults:\n")[2].partition("\n\n")[0].splitlines()
    assert [line.strip() for line in settings] == [
        "resume.mode = brief",
        "publish.shared_since = set (not shown)",
        "publish.projects = 1 (not shown)",
        "publish.active_days = 3",
        "projects.exclude = 1 (not shown)",
        "sync.every = 5m",
        "agents.selected = codex; others 1",
        "unknown keys: 2",
    ]
    assert NAME not in text


def test_a_version_is_digits_and_dots() -> None:
    texts = ("2.1.328 (Claude Code)", "3.14.0rc1", f"{NAME} 1.2", "10.1.2.3", NAME, "", None, "1.2.3.internal")

    assert [version_number(text) for text in texts] == [
        "2.1.328",
        "3.14.0",
        "1.2",
        *["unknown"] * 4,
        "unknown",
    ]


def test_a_machine_with_nothing_on_it_has_a_report() -> None:
    nothing = changed(HEALTHY, daemon=None, ledger=None, agents=(), inspection=None)

    text = made(nothing)

    assert "findings:\n  daemon: wrong, 1\n  not known: daemon, ledger, inspection\n" in text
    assert text.endswith("ledger:\n  none, or it cannot be read\n\nlast incidents:\n  none\n")
