from __future__ import annotations

import re
import time
from pathlib import Path

import msgspec
import pytest

from carryover.config import Config
from carryover.daemon.health import WatchState
from carryover.facts import DAY_MS
from carryover.install.agent_report import EntryReport
from carryover.install.service import ServiceStatus
from carryover.ledger.rows import BrokenSource, ProjectRow, SkippedRow
from carryover.past.findings import checks
from carryover.past.findings.checks import Finding, findings, templates
from carryover.past.findings.facts import AgentFacts, LedgerFacts, ProjectFacts, UnreadSource
from carryover.projects.policy import ONLY_GIT, UNWRITTEN, WITHHELD, Refusal
from carryover.publish.pointers import HiddenFile
from support.reports import CLAUDE, CODEX, HEALTHY, LEDGER, RUNNING, SERVICE, changed

NOW_MS = int(time.time() * 1000)
ENTRY = EntryReport(entry=".carryover/handoff.md", key="read")
LOADING = msgspec.structs.replace(CLAUDE, hooks=None)


def skipped(number: int, *, days_ago: int = 0) -> LedgerFacts:
    last_ms = NOW_MS - days_ago * DAY_MS
    row = SkippedRow(
        agent="claude-code", agent_version="2.2.0", record_type="x", reason="unknown", n=number, last_ms=last_ms
    )
    return msgspec.structs.replace(LEDGER, skipped=(row,))


def line(finding: Finding) -> str:
    return f"{finding.check} {finding.level}{f' --fix {finding.fix}' if finding.fix else ''}: {finding.what}"


def test_where_all_is_as_it_should_be_nothing_is_found() -> None:
    loading = changed(LOADING, entry=msgspec.structs.replace(ENTRY, present=True))

    assert findings(HEALTHY) == ()
    assert findings(changed(HEALTHY, agents=(loading,))) == ()


def test_a_daemon_that_does_not_answer_is_no_daemon_that_does_not_run() -> None:
    hangs = changed(HEALTHY, daemon=None, daemon_problem="A daemon runs, but did not answer within 2 s.")

    [finding] = findings(hangs)
    assert line(finding) == "daemon wrong --fix restart: A daemon runs, but did not answer within 2 s."
    assert finding.do == "Run `carryover restart`."


@pytest.mark.parametrize(
    ("reason", "what"),
    [
        ("descriptors", "There are more folders than macOS can watch for carryoverd; they are polled instead."),
        ("of a later version", None),
    ],
)
def test_if_macos_does_not_watch_that_is_one_finding(reason: str, what: str | None) -> None:
    facts = changed(HEALTHY, daemon=changed(RUNNING, watch=WatchState(reason=reason)))

    assert [line(finding) for finding in findings(facts)] == ([f"watch wrong: {what}"] if what else [])


def test_what_is_wrong_with_carryover_itself_is_found() -> None:
    broken = BrokenSource(agent="codex", path="/x", error="Permission denied", failures=1, retry_ms=0)
    facts = changed(
        HEALTHY,
        daemon=changed(
            RUNNING,
            version="0.9.0",
            ledger_trouble="The disk is full.",
            hook_calls={"kept": 7, "not_kept": 1_200},
            watch=WatchState(reason="watches"),
        ),
        service=changed(SERVICE, enabled=False, trouble="It failed 5 times in a row."),
        ledger=changed(skipped(1200), broken=(broken,)),
        corrupt_ledgers={"/home/dev/.carryover/ledger.corrupt-1.sqlite": 1},
        config=Config(unknown_keys=("resume.mod (line 2)", "servers (line 4)")),
        journal_problem="journal.jsonl can't be read.",
        paused=True,
        ledger_damage="row 7 is missing",
        free_bytes=12_000_000,
        open_to_others=("/home/dev/.carryover",),
        hook_script_missing=True,
        curl_missing=True,
        path_problem="`carryover` is not on the PATH of this shell.",
        path_remedy="Run `pipx ensurepath`.",
        other_installs=("/home/dev/.local/bin/carryoverd",),
    )

    found = findings(facts)

    assert [line(finding) for finding in found] == [
        "service wrong --fix service: The systemd service is not enabled.",
        "service wrong --fix service: The systemd service is failing: It failed 5 times in a row.",
        "version wrong --fix restart: carryoverd is 0.9.0, this command is 1.0.0: run `carryover refresh --yes`.",
        "ledger wrong: The disk is full.",
        "spool wrong: 1,200 hook calls could not be written to ~/.carryover/spool.",
        "inotify wrong: The system's limit on inotify watches is reached; folders are polled instead.",
        "transcripts wrong: 1,200 records were not understood, the newest this week, most of Claude Code 2.2.0: "
        "x (1,200).",
        "settings wrong: journal.jsonl can't be read.",
        "hooks wrong --fix script: The script that the hooks run is missing in ~/.carryover.",
        "hooks wrong: There is no `curl` on the PATH.",
        "installs wrong: There is another installation: ~/.local/bin/carryoverd.",
        "ledger wrong --fix ledger: The ledger is damaged: row 7 is missing",
        "disk wrong: The disk that holds ~/.carryover is almost full (12 MB left).",
        "permissions wrong --fix permissions: Other users of this machine can read ~/.carryover.",
        "transcripts todo: 1 transcript cannot be read now.",
        "settings todo: config.toml has an unknown key: resume.mod (line 2). It is ignored, and the default holds.",
        "settings todo: config.toml has an unknown key: servers (line 4). It is ignored, and the default holds.",
        "path todo: `carryover` is not on the PATH of this shell.",
        "ledger note: A damaged ledger was moved aside: ~/.carryover/ledger.corrupt-1.sqlite.",
        "paused note: Carryover is paused.",
    ]


def test_why_no_version_of_an_agent_could_be_read_is_said() -> None:
    late = changed(CLAUDE, state="unreadable", unread="no answer within 5 s")
    absent = changed(CODEX, state="unreadable", unread="no `codex` command on PATH or in the usual places")

    assert [line(each) for each in findings(changed(HEALTHY, agents=(late, absent)))] == [
        "version note: No version could be read of Claude Code: no answer within 5 s.",
        "version note: No version could be read of Codex CLI: no `codex` command on PATH or in the usual places.",
    ]


def test_a_daemon_of_another_build_is_found_though_its_version_is_the_same() -> None:
    found = findings(changed(HEALTHY, build="new", daemon=changed(RUNNING, build="old")))

    assert [line(each) for each in found] == [
        "version wrong --fix restart: carryoverd is another build of 1.0.0 than this command: run "
        "`carryover refresh --yes`."
    ]
    assert findings(changed(HEALTHY, build="new", daemon=changed(RUNNING, build="new"))) == ()


def test_a_mistake_in_the_settings_that_the_daemon_sees_too_is_reported_once() -> None:
    daemon = changed(RUNNING, config_trouble="no such key")
    for problem, number in ((None, 1), ("config.toml: no such key", 1), ("config.toml: not valid TOML", 2)):
        found = findings(changed(HEALTHY, config_problem=problem, daemon=daemon))
        assert [each.check for each in found] == ["settings"] * number


def test_what_is_wrong_with_an_agent_is_found() -> None:
    dropped = 'its key "$schema" (line 2) is one'
    agents = (
        changed(CLAUDE, name="A", problem="settings.json can't be used: it is not JSON."),
        changed(CLAUDE, name="B", missing=("Stop",), edited=("PreCompact",)),
        changed(LOADING, name="C", entry=ENTRY),
        changed(LOADING, name="D", entry=msgspec.structs.replace(ENTRY, problem="It is torn.")),
        changed(CLAUDE, name="E", switched_off=True, switched_off_by="disableAllHooks", switched_off_in=CLAUDE.config),
        changed(CODEX, name="F", to_review=("Stop",), review="Look at them."),
        changed(CODEX, name="G", dropped=dropped, missing=("Stop",)),
        changed(CODEX, name="I", lost_folder="/home/dev/work", lost_by="CODEX_HOME"),
        changed(CLAUDE, name="J", moved_from=("/data/projects",)),
        changed(CLAUDE, name="K", state="newer", version="9.9"),
        changed(CLAUDE, name="M", newly_covered=True, selected=False, problem="not judged"),
        changed(CLAUDE, name="N", state="missing", problem="not judged"),
        changed(CLAUDE, name="O", missing=("Stop",), locked="it is read-only"),
    )

    assert list(map(line, findings(changed(HEALTHY, agents=agents)))) == [
        "hooks wrong: settings.json can't be used: it is not JSON.",
        "hooks wrong --fix hooks: B: hooks are missing in ~/.claude/settings.json: Stop.",
        "hooks wrong: B: hooks in ~/.claude/settings.json are not as this version writes them: PreCompact.",
        "hooks wrong --fix hooks: C: `.carryover/handoff.md` is missing in `read` of ~/.claude/settings.json.",
        "hooks wrong: It is torn.",
        "hooks wrong: E: all hooks are switched off (`disableAllHooks` in ~/.claude/settings.json).",
        f"hooks wrong: G runs no hook of ~/.codex/hooks.json: {dropped}.",
        "folder wrong: I: CODEX_HOME names ~/work, which does not exist.",
        "transcripts wrong: J's transcripts were in /data/projects when it was installed; now they are expected in "
        "~/.claude/projects.",
        "hooks wrong: O: hooks are missing in ~/.claude/settings.json: Stop. They can't be written there: it is "
        "read-only.",
        "agents todo: Found here since the last install or refresh, and not selected: M.",
        "review todo: F: hooks are installed, but not reviewed yet: Stop.",
        "version note: K 9.9 is newer than the versions Carryover knows.",
    ]


def test_what_is_wrong_in_a_project_is_found() -> None:
    projects = (
        ProjectFacts(root="/home/dev/a", edited=("AGENTS.md",), broken=("CLAUDE.md",)),
        ProjectFacts(root="/home/dev/d", hidden=(HiddenFile(name="AGENTS.md", by="AGENTS.x.md", agent="codex"),)),
        ProjectFacts(root="/home/dev/e", refusal=Refusal("named below", in_git=True)),
        ProjectFacts(root="/srv/x", refusal=Refusal("a link `tracked by git`")),
        ProjectFacts(root="/srv/y", unread=(UnreadSource(agent="codex", path="/srv/y/talk", reason="git tracks it"),)),
    )
    facts = changed(HEALTHY, agents=(CODEX,), projects=projects)

    assert list(map(line, findings(facts))) == [
        "pointer wrong: ~/a: the pointer in AGENTS.md has text that is not Carryover's.",
        "pointer wrong: ~/a: the pointer in CLAUDE.md lost one of its markers.",
        "pointer wrong: ~/d: AGENTS.x.md hides AGENTS.md, and the pointer in it, from Codex.",
        "project note: /srv/x: no handoff is written there: a link `tracked by git`.",
        "transcripts note: /srv/y/talk is not read: git tracks it.",
    ]
    assert [f.level for f in findings(changed(HEALTHY, agents=(CLAUDE,), projects=projects[1:2]))] == ["note"]
    [unpublished] = findings(changed(HEALTHY, projects=projects[3:4]))
    assert "`carryover handoff --copy` takes the handoff along" in unpublished.do


def test_a_handoff_that_could_not_be_written_is_found() -> None:
    """On a full disk: what `refusal` judges looks as it should, and only the last attempt shows it."""
    rows = (
        project_row("/home/dev/a", refusal=f"{UNWRITTEN}: No space left on device"),
        project_row("/srv/b", refusal="it is a temporary folder"),
    )

    [finding] = findings(changed(HEALTHY, ledger=changed(LEDGER, projects=rows)))

    assert line(finding) == "project wrong: ~/a: the handoff can't be written: No space left on device."


def test_what_has_one_cause_is_one_finding() -> None:
    roots = ("/home/dev/Documents/app", "/home/dev/Desktop/x", "/srv/y")
    rows = tuple(project_row(root, refusal=WITHHELD if "home" in root else None) for root in roots)
    inspected = tuple(ProjectFacts(root=root, refusal=Refusal(WITHHELD)) for root in roots[:2])
    no_git = ProjectFacts(root=roots[2], refusal=Refusal(ONLY_GIT))
    facts = changed(HEALTHY, ledger=changed(LEDGER, projects=rows), projects=(*inspected, no_git))

    assert list(map(line, findings(changed(facts, git_trouble="there is none in the folders of its PATH")))) == [
        "project wrong: macOS's privacy settings keep carryoverd out of ~/Documents/app, ~/Desktop/x.",
        "git wrong: carryoverd can't run git: there is none in the folders of its PATH.",
    ]
    assert [found.level for found in findings(changed(facts, projects=(no_git,)))] == ["wrong", "note"]
    theirs = changed(HEALTHY, unusable="it belongs to another user", open_to_others=("/home/dev/.carryover",))
    assert list(map(line, findings(theirs))) == [
        "disk wrong: The state folder ~/.carryover can't be used: it belongs to another user."
    ]


def project_row(root: str, refusal: str | None) -> ProjectRow:
    never = dict.fromkeys(("main_root", "published_sha", "published_ms"))
    return ProjectRow(id=1, root=root, last_event_ms=0, refusal=refusal, **never)


def test_where_nothing_is_installed_or_runs_one_thing_is_said() -> None:
    none = ServiceStatus(kind="none", installed=False, trouble="There is no systemd on this machine.")

    [not_installed] = findings(changed(HEALTHY, installed=False, daemon=None))
    without_agent = changed(HEALTHY, installed=False, daemon=None, agents=())
    [no_agent] = findings(without_agent)
    perhaps_one = findings(changed(without_agent, silent={"/mnt/home": 9.0}))
    [registered] = findings(changed(HEALTHY, daemon=None, hook_script_missing=True))
    [by_plugin] = findings(changed(HEALTHY, installed=False))
    [started_by_hand] = findings(changed(HEALTHY, daemon=None, service=none))
    [no_service] = findings(changed(HEALTHY, service=ServiceStatus(kind="systemd", installed=False)))

    assert line(not_installed) == "install wrong: Carryover is not installed."
    assert line(by_plugin) == "install note: carryoverd runs, but was not installed."
    assert line(no_agent) == "install note: No agent that Carryover knows was found on this machine."
    assert line(not_installed) in map(line, perhaps_one)
    assert line(registered) == "daemon wrong --fix service: carryoverd is not running."
    assert (started_by_hand.fix, started_by_hand.do) == (None, "Start it: `carryover start`.")
    assert line(no_service) == "service note: carryoverd is not registered as a service."


def test_where_no_selected_agent_has_hooks_nothing_is_left_to_install() -> None:
    aider = AgentFacts(id="aider", name="Aider", selected=True, state="ok")
    none = ServiceStatus(kind="none", installed=False, trouble="There is no systemd on this machine.")

    assert findings(changed(HEALTHY, installed=False, service=none, agents=(aider,))) == ()
    [found] = findings(changed(HEALTHY, installed=False, service=none, agents=(aider, CLAUDE)))
    assert line(found) == "install note: carryoverd runs, but was not installed."


def test_a_few_records_or_old_ones_that_were_not_understood_are_nothing_wrong() -> None:
    assert findings(changed(HEALTHY, ledger=skipped(49))) == ()
    assert findings(changed(HEALTHY, ledger=skipped(1200, days_ago=8))) == ()
    locked = changed(HEALTHY, daemon=changed(RUNNING, ledger_trouble="It is locked."), ledger_problem="It is locked.")
    assert list(map(line, findings(locked))) == ["ledger wrong: It is locked."], "both met it; it is named once"


def test_what_nothing_is_known_of_has_no_findings() -> None:
    unknown = changed(HEALTHY, daemon=None, ledger=None, inspection=None)

    assert list(map(line, findings(unknown))) == ["daemon wrong --fix service: carryoverd is not running."]


def test_every_check_has_its_words() -> None:
    names = re.findall(r'"([a-z]+/[a-z-]+)"', Path(checks.__file__).read_text())

    assert set(names) == set(templates())


def test_what_git_sees_of_ours_is_found_without_looking_closer() -> None:
    projects = (
        ProjectFacts(root="/home/dev/e", open_to="it would be committed"),
        ProjectFacts(root="/home/dev/f"),
    )

    assert list(map(line, findings(changed(HEALTHY, projects=projects)))) == [
        "project wrong: ~/e: no handoff is written there: it would be committed.",
    ]
