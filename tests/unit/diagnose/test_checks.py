from __future__ import annotations

import time

import msgspec
import pytest

from carryover.daemon.health import HookCounts, WatchState
from carryover.diagnose.checks import findings
from carryover.diagnose.report import (
    ConfigReport,
    LedgerReport,
    MovedAside,
    ProjectReport,
    Report,
    UnreadSource,
)
from carryover.install.agent_settings import EntryReport
from carryover.install.service import ServiceStatus
from carryover.ledger.rows import SkippedRow
from carryover.projects.policy import Refusal
from carryover.publish.instruction_files import HiddenFile
from support.reports import CLAUDE, CODEX, HEALTHY, LEDGER, RUNNING, SERVICE, changed

ENTRY = EntryReport(entry=".carryover/handoff.md", key="read")
LOADING = msgspec.structs.replace(CLAUDE, hooks=None)
TRACKED = Refusal("it would be committed", tracked=True)
ANOTHERS = UnreadSource(agent="codex", path="/home/dev/shop/talk", reason="git tracks it")
OVERRIDE = HiddenFile(name="AGENTS.md", by="AGENTS.override.md", agent="codex")


def skipped(number: int, *, days_ago: int = 0) -> LedgerReport:
    at_ms = int(time.time() * 1000) - days_ago * 86_400_000
    row = SkippedRow(
        agent="claude-code", agent_version="2.2.0", record_type="x", reason="unknown", n=number, last_ms=at_ms
    )
    return msgspec.structs.replace(LEDGER, skipped=(row,))


def test_where_all_is_as_it_should_be_nothing_is_found() -> None:
    assert findings(HEALTHY) == ()
    loading = changed(LOADING, entry=msgspec.structs.replace(ENTRY, present=True))
    assert findings(changed(HEALTHY, agents=(loading,))) == ()


@pytest.mark.parametrize(
    ("report", "finding", "words"),
    [
        (changed(HEALTHY, installed=False), "install: wrong", "Carryover is not installed."),
        (changed(HEALTHY, daemon=None), "daemon: wrong, fix service", "carryoverd is not running."),
        (
            changed(HEALTHY, daemon=changed(RUNNING, version="0.9.0")),
            "version: wrong, fix restart",
            "carryoverd is 0.9.0, this command is 1.0.0.",
        ),
        (
            changed(HEALTHY, projects=(ProjectReport(root="/home/dev/shop", hidden=(OVERRIDE,)),)),
            "pointer: note",
            "~/shop: AGENTS.override.md hides AGENTS.md, and the pointer in it, from Codex.",
        ),
        (
            changed(HEALTHY, projects=(ProjectReport(root="/home/dev/shop", unread=(ANOTHERS,)),)),
            "transcripts: note",
            "~/shop/talk is not read: git tracks it.",
        ),
        (
            changed(HEALTHY, service=ServiceStatus(kind="systemd", installed=False)),
            "service: note",
            "carryoverd is not registered as a service.",
        ),
        (
            changed(HEALTHY, service=changed(SERVICE, enabled=False)),
            "service: wrong, fix service",
            "The systemd service is not enabled.",
        ),
        (
            changed(HEALTHY, service=changed(SERVICE, trouble="It failed 5 times in a row.")),
            "service: wrong, fix service",
            "The systemd service is failing: It failed 5 times in a row.",
        ),
        (
            changed(HEALTHY, service=changed(SERVICE, command=("/old/bin/carryoverd",))),
            "installs: wrong, fix service",
            "The systemd service starts another installation: /old/bin/carryoverd.",
        ),
        (
            changed(HEALTHY, port_trouble="Port 47823 is taken by process 7 (nc)."),
            "port: wrong",
            "Port 47823 is taken by process 7 (nc).",
        ),
        (
            changed(HEALTHY, agents=(changed(CLAUDE, problem="settings.json can't be used: it is not JSON."),)),
            "hooks: wrong",
            "settings.json can't be used: it is not JSON.",
        ),
        (
            changed(HEALTHY, agents=(changed(CLAUDE, missing=("Stop",)),)),
            "hooks: wrong, fix hooks",
            "Claude Code: hooks are missing in ~/.claude/settings.json: Stop.",
        ),
        (
            changed(HEALTHY, agents=(changed(LOADING, entry=ENTRY),)),
            "hooks: wrong, fix hooks",
            "Claude Code: `.carryover/handoff.md` is missing in `read` of ~/.claude/settings.json.",
        ),
        (
            changed(HEALTHY, agents=(changed(LOADING, entry=msgspec.structs.replace(ENTRY, problem="It is torn.")),)),
            "hooks: wrong",
            "It is torn.",
        ),
        (
            changed(HEALTHY, agents=(changed(CLAUDE, edited=("Stop",)),)),
            "hooks: wrong",
            "Claude Code: hooks in ~/.claude/settings.json are not as this version writes them: Stop.",
        ),
        (
            changed(
                HEALTHY,
                agents=(
                    changed(
                        CLAUDE, switched_off=True, switched_off_by="disableAllHooks", switched_off_in=CLAUDE.config
                    ),
                ),
            ),
            "hooks: wrong",
            "Claude Code: all hooks are switched off (`disableAllHooks` in ~/.claude/settings.json).",
        ),
        (
            changed(
                HEALTHY,
                path_problem="`carryover` is not on the PATH of this shell.",
                path_remedy="Run `pipx ensurepath`.",
            ),
            "path: todo",
            "`carryover` is not on the PATH of this shell.",
        ),
        (
            changed(HEALTHY, agents=(changed(CODEX, to_review=("Stop",), review="Look at them."),)),
            "review: todo",
            "Codex CLI: hooks are installed, but not reviewed yet: Stop.",
        ),
        (
            changed(HEALTHY, agents=(changed(CODEX, dropped='its key "$schema" (line 2) is one', missing=("Stop",)),)),
            "hooks: wrong",
            'Codex CLI runs no hook of ~/.codex/hooks.json: its key "$schema" (line 2) is one.',
        ),
        (
            changed(
                HEALTHY,
                agents=(
                    changed(
                        CODEX,
                        switched_off=True,
                        switched_off_by="features.hooks = false",
                        switched_off_in="/home/dev/.codex/config.toml",
                    ),
                ),
            ),
            "hooks: wrong",
            "Codex CLI: all hooks are switched off (`features.hooks = false` in ~/.codex/config.toml).",
        ),
        (
            changed(HEALTHY, agents=(changed(CODEX, lost_folder="/home/dev/work", lost_by="CODEX_HOME"),)),
            "folder: wrong",
            "Codex CLI: CODEX_HOME names ~/work, which does not exist.",
        ),
        (
            changed(
                HEALTHY,
                agents=(changed(CODEX, reads_bytes=32_768),),
                projects=(
                    ProjectReport(root="/home/dev/shop", pointer_end_bytes=40_000),
                    ProjectReport(root="/home/dev/app", pointer_end_bytes=32_768),
                ),
            ),
            "pointer: wrong",
            "~/shop: the pointer in AGENTS.md is behind the 32,768 bytes that Codex CLI reads.",
        ),
        (
            changed(HEALTHY, hook_script_missing=True),
            "hooks: wrong, fix script",
            "The script that the hooks run is missing in ~/.carryover.",
        ),
        (
            changed(HEALTHY, agents=(changed(CLAUDE, moved_from=("/data/projects",)),)),
            "transcripts: wrong",
            "Claude Code's transcripts were in /data/projects when it was installed; "
            "now they are expected in ~/.claude/projects.",
        ),
        (
            changed(HEALTHY, agents=(changed(CLAUDE, state="newer", version="9.9"),)),
            "version: note",
            "Claude Code 9.9 is newer than the versions Carryover knows.",
        ),
        (
            changed(HEALTHY, agents=(changed(CLAUDE, keeps_days=30, kept_by="cleanupPeriodDays"),)),
            "transcripts: note",
            "Claude Code deletes transcripts that are older than 30 days (`cleanupPeriodDays`).",
        ),
        (
            changed(HEALTHY, projects=(ProjectReport(root="/home/dev/shop", edited=("AGENTS.md",)),)),
            "pointer: wrong",
            "~/shop: the pointer in AGENTS.md was edited by hand.",
        ),
        (
            changed(HEALTHY, projects=(ProjectReport(root="/home/dev/shop", broken=("CLAUDE.md",)),)),
            "pointer: wrong",
            "~/shop: the pointer in CLAUDE.md lost one of its markers.",
        ),
        (
            changed(
                HEALTHY,
                projects=(ProjectReport(root="/home/dev/shop", hidden=(OVERRIDE,)),),
                agents=(CLAUDE, changed(CODEX, selected=False)),
            ),
            "pointer: wrong",
            "~/shop: AGENTS.override.md hides AGENTS.md, and the pointer in it, from Codex.",
        ),
        (
            changed(HEALTHY, projects=(ProjectReport(root="/home/dev/shop", refusal=TRACKED),)),
            "project: wrong",
            "~/shop: nothing is published there: it would be committed.",
        ),
        (
            changed(HEALTHY, projects=(ProjectReport(root="/srv/x", refusal=Refusal("it is a folder of the system")),)),
            "project: note",
            "/srv/x: nothing is published there: it is a folder of the system.",
        ),
        (
            changed(HEALTHY, ledger_damage="row 7 is missing"),
            "ledger: wrong, fix ledger",
            "The ledger is damaged: row 7 is missing",
        ),
        (
            changed(HEALTHY, corrupt_ledgers=(MovedAside("/home/dev/.carryover/ledger.corrupt-1.sqlite", 1),)),
            "ledger: note",
            "A damaged ledger was moved aside: ~/.carryover/ledger.corrupt-1.sqlite.",
        ),
        (
            changed(HEALTHY, ledger=skipped(1200)),
            "transcripts: wrong",
            "1,200 records were not understood, the newest this week, most of Claude Code 2.2.0: x (1,200).",
        ),
        (
            changed(HEALTHY, daemon=changed(RUNNING, hook_calls=HookCounts(kept=7, not_kept=1_200))),
            "spool: wrong",
            "1,200 hook calls could not be written to ~/.carryover/spool.",
        ),
        (
            changed(HEALTHY, daemon=changed(RUNNING, watch=WatchState(reason="watches"))),
            "inotify: wrong",
            "The system's limit on inotify watches is reached; folders are polled instead.",
        ),
        (
            changed(HEALTHY, free_bytes=12_000_000),
            "disk: wrong",
            "The disk that holds ~/.carryover is almost full (12 MB left).",
        ),
        (
            changed(HEALTHY, open_to_others=("/home/dev/.carryover",)),
            "permissions: wrong, fix permissions",
            "Other users of this machine can read ~/.carryover.",
        ),
        (
            changed(HEALTHY, other_installs=("/home/dev/.local/bin/carryoverd",)),
            "installs: wrong",
            "There is another installation: ~/.local/bin/carryoverd.",
        ),
        (
            changed(HEALTHY, config=ConfigReport("", ("resume.mod (line 2)",))),
            "settings: note",
            "config.toml holds unknown keys: resume.mod (line 2).",
        ),
        (changed(HEALTHY, record_problem="edits.json is damaged."), "settings: wrong", "edits.json is damaged."),
        (changed(HEALTHY, curl_missing=True), "hooks: wrong", "There is no `curl` on the PATH."),
        (
            changed(HEALTHY, mcp_sdk="pipx inject carryoverd mcp"),
            "mcp: wrong",
            "The MCP server in your agents' settings can't start: the package that it needs is not installed.",
        ),
        (changed(HEALTHY, paused=True), "paused: note", "Carryover is paused."),
    ],
)
def test_one_thing_that_is_wrong_is_the_one_thing_found(report: Report, finding: str, words: str) -> None:
    [found] = findings(report)

    assert f"{found.check}: {found.level}" + (f", fix {found.fix}" if found.fix else "") == finding
    assert found.what == words


def test_a_stranger_on_the_port_is_named_while_our_daemon_is_down() -> None:
    found = findings(changed(HEALTHY, daemon=None, stranger="process 99 (python3)"))

    assert [finding.what for finding in found] == [
        "carryoverd is not running.",
        "Port 47823 is taken by process 99 (python3).",
    ]


def test_without_a_service_one_command_starts_the_daemon() -> None:
    report = changed(
        HEALTHY,
        daemon=None,
        service=ServiceStatus(kind="none", installed=False, trouble="There is no systemd on this machine."),
    )

    [found] = findings(report)

    assert (found.fix, found.do) == (None, "Start it: `carryover start`.")


def test_the_hooks_script_is_not_missed_while_nobody_is_there_to_make_it() -> None:
    found = findings(changed(HEALTHY, hook_script_missing=True, daemon=None))

    assert [finding.check for finding in found] == ["daemon"]


def test_what_is_wrong_comes_before_what_is_only_worth_knowing() -> None:
    found = findings(
        changed(HEALTHY, paused=True, free_bytes=0, agents=(changed(CLAUDE, keeps_days=30, missing=("Stop",)),))
    )

    assert [finding.level for finding in found] == ["wrong", "wrong", "note", "note"]


def test_words_in_the_name_of_a_folder_make_nothing_wrong() -> None:
    [found] = findings(
        changed(HEALTHY, projects=(ProjectReport(root="/srv/x", refusal=Refusal("a link `tracked by git`")),))
    )

    assert found.level == "note"


def test_a_few_records_or_old_ones_that_were_not_understood_are_nothing_wrong() -> None:
    assert findings(changed(HEALTHY, ledger=skipped(49))) == ()
    assert findings(changed(HEALTHY, ledger=skipped(1200, days_ago=8))) == ()
