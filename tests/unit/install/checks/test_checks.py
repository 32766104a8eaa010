from __future__ import annotations

from typing import Any

import msgspec
import pytest

from carryover.install.checks import findings
from carryover.install.facts import DaemonFacts, Facts, LedgerFacts, ProjectFacts, ToolFacts
from carryover.install.service import ServiceStatus
from carryover.publish.instruction_files import HiddenFile
from carryover.publish.policy import Refusal

RUNNING = DaemonFacts(running=True, version="1.0.0", pid=4711)
SERVICE = ServiceStatus(kind="systemd", installed=True, enabled=True, active=True, command=("/opt/bin/carryoverd",))
TOOL = ToolFacts(
    id="claude-code",
    name="Claude Code",
    state="ok",
    version="2.1.328",
    config="~/.claude/settings.json",
    present=("SessionStart", "Stop"),
    roots=("~/.claude/projects",),
)
CODEX = ToolFacts(
    id="codex",
    name="Codex CLI",
    state="ok",
    version="0.169.0",
    config="~/.codex/hooks.json",
    present=("SessionStart", "Stop"),
    roots=("~/.codex/sessions",),
)
TRACKED = Refusal("it would be committed", tracked=True)
OVERRIDE = HiddenFile(name="AGENTS.md", by="AGENTS.override.md", agent="codex")
HEALTHY = Facts(
    version="1.0.0",
    update="pipx upgrade carryoverd",
    state="~/.carryover",
    program="/opt/bin/carryoverd",
    installed=True,
    daemon=RUNNING,
    service=SERVICE,
    port=47_823,
    tools=(TOOL,),
    ledger=LedgerFacts(sessions=12, sources=14),
    free_bytes=10**12,
)


def changed(record: Any, **more: Any) -> Any:
    return msgspec.structs.replace(record, **more)


def test_where_all_is_as_it_should_be_nothing_is_found() -> None:
    assert findings(HEALTHY) == ()


@pytest.mark.parametrize(
    ("facts", "check", "level", "fix", "words"),
    [
        (
            changed(HEALTHY, installed=False),
            "install",
            "wrong",
            None,
            "Carryover is not installed.",
        ),
        (
            changed(HEALTHY, daemon=DaemonFacts(running=False)),
            "daemon",
            "wrong",
            "service",
            "carryoverd does not run.",
        ),
        (
            changed(HEALTHY, daemon=changed(RUNNING, version="0.9.0")),
            "version",
            "wrong",
            "restart",
            "carryoverd is 0.9.0, this command is 1.0.0.",
        ),
        (
            changed(HEALTHY, projects=(ProjectFacts(root="~/shop", hidden=(OVERRIDE,)),)),
            "pointer",
            "note",
            None,
            "~/shop: AGENTS.override.md hides AGENTS.md, and the pointer in it, from Codex.",
        ),
        (
            changed(HEALTHY, service=ServiceStatus(kind="systemd", installed=False)),
            "service",
            "note",
            None,
            "carryoverd is not registered as a service.",
        ),
        (
            changed(HEALTHY, service=changed(SERVICE, enabled=False)),
            "service",
            "wrong",
            "service",
            "The systemd service is not enabled.",
        ),
        (
            changed(HEALTHY, service=changed(SERVICE, trouble="It failed 5 times in a row.")),
            "service",
            "wrong",
            "service",
            "The systemd service has trouble: It failed 5 times in a row.",
        ),
        (
            changed(HEALTHY, service=changed(SERVICE, command=("/old/bin/carryoverd",))),
            "installs",
            "wrong",
            "service",
            "The systemd service starts another installation: /old/bin/carryoverd.",
        ),
        (
            changed(HEALTHY, daemon=changed(RUNNING, port_trouble="Port 47823 is taken by process 7 (nc).")),
            "port",
            "wrong",
            None,
            "Port 47823 is taken by process 7 (nc).",
        ),
        (
            changed(HEALTHY, tools=(changed(TOOL, problem="settings.json can't be used: it is not JSON."),)),
            "hooks",
            "wrong",
            None,
            "settings.json can't be used: it is not JSON.",
        ),
        (
            changed(HEALTHY, tools=(changed(TOOL, missing=("Stop",)),)),
            "hooks",
            "wrong",
            "hooks",
            "Claude Code: hooks were removed or overwritten in ~/.claude/settings.json: Stop.",
        ),
        (
            changed(HEALTHY, tools=(changed(TOOL, edited=("Stop",)),)),
            "hooks",
            "wrong",
            None,
            "Claude Code: hooks in ~/.claude/settings.json are not as this version writes them: Stop.",
        ),
        (
            changed(HEALTHY, tools=(changed(TOOL, switched_off="disableAllHooks", switched_off_in=TOOL.config),)),
            "hooks",
            "wrong",
            None,
            "Claude Code: all hooks are switched off (`disableAllHooks` in ~/.claude/settings.json).",
        ),
        (
            changed(HEALTHY, tools=(changed(CODEX, to_review=("Stop",), review="Look at them."),)),
            "review",
            "wrong",
            None,
            "Codex CLI: hooks are installed, and not reviewed yet: Stop.",
        ),
        (
            changed(HEALTHY, tools=(changed(CODEX, dropped='its key "$schema" (line 2) is one', missing=("Stop",)),)),
            "hooks",
            "wrong",
            None,
            'Codex CLI runs no hook of ~/.codex/hooks.json: its key "$schema" (line 2) is one.',
        ),
        (
            changed(HEALTHY, tools=(changed(CODEX, elsewhere=("~/.codex/config.toml",), missing=("Stop",)),)),
            "hooks",
            "wrong",
            "hooks",
            "Codex CLI: our hooks are in ~/.codex/config.toml; they belong into ~/.codex/hooks.json.",
        ),
        (
            changed(
                HEALTHY,
                tools=(changed(CODEX, switched_off="features.hooks = false", switched_off_in="~/.codex/config.toml"),),
            ),
            "hooks",
            "wrong",
            None,
            "Codex CLI: all hooks are switched off (`features.hooks = false` in ~/.codex/config.toml).",
        ),
        (
            changed(HEALTHY, tools=(changed(TOOL, ignored=("stop",)),)),
            "hooks",
            "note",
            None,
            "Claude Code does not see what stands beside `hooks` in ~/.claude/settings.json: stop.",
        ),
        (
            changed(HEALTHY, tools=(changed(CODEX, lost_folder="~/work", lost_by="CODEX_HOME"),)),
            "folder",
            "wrong",
            None,
            "Codex CLI: CODEX_HOME names ~/work, which is not there.",
        ),
        (
            changed(
                HEALTHY,
                tools=(changed(CODEX, reads_bytes=32_768),),
                projects=(
                    ProjectFacts(root="~/shop", pointer_end_bytes=40_000),
                    ProjectFacts(root="~/app", pointer_end_bytes=32_768),
                ),
            ),
            "pointer",
            "wrong",
            None,
            "~/shop: the pointer in AGENTS.md lies behind the 32,768 bytes that Codex CLI reads.",
        ),
        (
            changed(HEALTHY, stub_missing=True),
            "hooks",
            "wrong",
            "restart",
            "The script that the hooks run is missing in ~/.carryover.",
        ),
        (
            changed(HEALTHY, tools=(changed(TOOL, moved_from=("/data/projects",)),)),
            "transcripts",
            "wrong",
            None,
            "Claude Code's transcripts were in /data/projects when it was installed; "
            "now they are looked for in ~/.claude/projects.",
        ),
        (
            changed(HEALTHY, tools=(changed(TOOL, state="newer", version="9.9"),)),
            "version",
            "note",
            None,
            "Claude Code 9.9 is newer than the versions Carryover knows.",
        ),
        (
            changed(HEALTHY, tools=(changed(TOOL, keeps_days=30, kept_by="cleanupPeriodDays"),)),
            "transcripts",
            "note",
            None,
            "Claude Code deletes transcripts that are older than 30 days (`cleanupPeriodDays`).",
        ),
        (
            changed(HEALTHY, projects=(ProjectFacts(root="~/shop", edited=("AGENTS.md",)),)),
            "pointer",
            "wrong",
            None,
            "~/shop: the pointer in AGENTS.md was edited by hand.",
        ),
        (
            changed(HEALTHY, projects=(ProjectFacts(root="~/shop", broken=("CLAUDE.md",)),)),
            "pointer",
            "wrong",
            None,
            "~/shop: the pointer in CLAUDE.md lost one of its markers.",
        ),
        (
            changed(HEALTHY, projects=(ProjectFacts(root="~/shop", hidden=(OVERRIDE,)),), agents_here=("codex",)),
            "pointer",
            "wrong",
            None,
            "~/shop: AGENTS.override.md hides AGENTS.md, and the pointer in it, from Codex.",
        ),
        (
            changed(HEALTHY, projects=(ProjectFacts(root="~/shop", refusal=TRACKED),)),
            "project",
            "wrong",
            None,
            "~/shop: nothing is published there: it would be committed.",
        ),
        (
            changed(HEALTHY, projects=(ProjectFacts(root="/srv/x", refusal=Refusal("it is a folder of the system")),)),
            "project",
            "note",
            None,
            "/srv/x: nothing is published there: it is a folder of the system.",
        ),
        (
            changed(HEALTHY, ledger=LedgerFacts(damage="row 7 is missing")),
            "ledger",
            "wrong",
            "restart",
            "The ledger is damaged: row 7 is missing",
        ),
        (
            changed(HEALTHY, ledger=LedgerFacts(moved_aside=("~/.carryover/ledger.corrupt-1.sqlite",))),
            "ledger",
            "note",
            None,
            "A damaged ledger was moved aside: ~/.carryover/ledger.corrupt-1.sqlite.",
        ),
        (
            changed(HEALTHY, ledger=LedgerFacts(skipped=1200, skipped_of="Claude Code 2.2.0")),
            "transcripts",
            "wrong",
            None,
            "1,200 records were not understood, the newest this week, most of Claude Code 2.2.0.",
        ),
        (
            changed(HEALTHY, daemon=changed(RUNNING, watch_limit="watches")),
            "inotify",
            "wrong",
            None,
            "The system's limit on inotify watches is reached; folders are polled instead.",
        ),
        (
            changed(HEALTHY, free_bytes=12_000_000),
            "disk",
            "wrong",
            None,
            "The disk that holds ~/.carryover is almost full (12 MB left).",
        ),
        (
            changed(HEALTHY, open_to_others=("~/.carryover",)),
            "permissions",
            "wrong",
            "permissions",
            "Others on this machine can read ~/.carryover.",
        ),
        (
            changed(HEALTHY, other_installs=("~/.local/bin/carryoverd",)),
            "installs",
            "wrong",
            None,
            "There is another installation: ~/.local/bin/carryoverd.",
        ),
        (
            changed(HEALTHY, unknown_keys=("resume.mod (line 2)",)),
            "settings",
            "note",
            None,
            "Keys in config.toml mean nothing: resume.mod (line 2).",
        ),
        (
            changed(HEALTHY, record_problem="edits.json is damaged."),
            "settings",
            "wrong",
            None,
            "edits.json is damaged.",
        ),
        (changed(HEALTHY, paused=True), "paused", "note", None, "Carryover is paused."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_thing_that_is_wrong_is_the_one_thing_found(
    facts: Facts, check: str, level: str, fix: str | None, words: str
) -> None:
    [found] = findings(facts)

    assert (found.check, found.level, found.fix, found.what) == (check, level, fix, words)
    assert found.why.endswith(".")
    assert found.do.endswith(".")


def test_a_stranger_on_the_port_is_named_while_our_daemon_is_down() -> None:
    found = findings(changed(HEALTHY, daemon=DaemonFacts(running=False), stranger="process 99 (python3)"))

    assert [finding.what for finding in found] == [
        "carryoverd does not run.",
        "Port 47823 is taken by process 99 (python3).",
    ]


def test_without_a_service_nothing_can_start_the_daemon_but_the_user() -> None:
    facts = changed(
        HEALTHY,
        daemon=DaemonFacts(running=False),
        service=ServiceStatus(kind="none", installed=False, trouble="There is no systemd on this machine."),
    )

    [found] = findings(facts)

    assert (found.fix, found.do) == (None, "Start it: `/opt/bin/carryoverd`.")


def test_the_hooks_script_is_not_missed_while_nobody_is_there_to_make_it() -> None:
    found = findings(changed(HEALTHY, stub_missing=True, daemon=DaemonFacts(running=False)))

    assert [finding.check for finding in found] == ["daemon"]


def test_what_is_wrong_comes_before_what_is_only_worth_knowing() -> None:
    found = findings(
        changed(HEALTHY, paused=True, free_bytes=0, tools=(changed(TOOL, keeps_days=30, missing=("Stop",)),))
    )

    assert [finding.level for finding in found] == ["wrong", "wrong", "note", "note"]


def test_what_the_ledger_holds_anyway_is_said_where_an_agent_deletes_transcripts() -> None:
    facts = changed(
        HEALTHY, tools=(changed(TOOL, keeps_days=7),), ledger=LedgerFacts(sessions=12, sources=14, gone_sources=3)
    )

    [found] = findings(facts)

    assert found.why == "The ledger holds 12 sessions, 3 of whose transcripts are gone; what it has read it keeps."


def test_the_setting_that_lets_an_agent_delete_transcripts_is_the_agents_own() -> None:
    [found] = findings(changed(HEALTHY, tools=(changed(CODEX, keeps_days=9, kept_by="history.days"),)))

    assert found.what == "Codex CLI deletes transcripts that are older than 9 days (`history.days`)."
    assert found.do == "Raise `history.days` in ~/.codex/hooks.json if you want the transcripts themselves."


def test_words_in_the_name_of_a_folder_make_nothing_wrong() -> None:
    [found] = findings(
        changed(HEALTHY, projects=(ProjectFacts(root="/srv/x", refusal=Refusal("a link `tracked by git`")),))
    )

    assert found.level == "note"
