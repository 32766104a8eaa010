"""Everything that `carryover doctor` checks, and when each check fails. `carryover status` names what fails, too, as
far as it is known without an `Inspection`.

To add a check, add a row to the function of its subject, and its words to `findings.txt`. A row is empty where all is
well; a list is one finding per item. The words may name the facts, the subject, and `it`: what the row holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, Final, Literal, get_args

import msgspec

from carryover.agents import agent_name
from carryover.clock import utc_now_ms
from carryover.daemon.client import port_trouble
from carryover.daemon.health import Health
from carryover.install.agent_report import HooksReport
from carryover.ledger.rows import SkippedRow
from carryover.past.findings.facts import AgentFacts, Gathered, Inspection, LedgerFacts, ProjectFacts, UnreadSource
from carryover.projects.policy import ONLY_GIT, UNWRITTEN, WITHHELD, Refusal
from carryover.publish.pointers import HiddenFile
from carryover.terminal.output import counted
from carryover.terminal.paths import shell_word, short_path

Level = Literal["wrong", "todo", "note"]
"""How severe a finding is: wrong (something does not work), todo (only the user can do it), note (worth knowing)."""
Fix = Literal["hooks", "service", "restart", "script", "permissions", "ledger"]
"""The repairs of `--fix`. Each is repeatable and takes nothing of the user's away."""
MOST_TYPES: Final = 3
"""Maximum number of record types named in a finding."""
MANY_SKIPPED: Final = 50
"""From this many unrecognised records on, the cause is more than one odd transcript."""
_RECENT_MS: Final = 7 * 24 * 3_600_000
LEAST_FREE_BYTES: Final = 200_000_000
_LEVELS: Final[tuple[Level, ...]] = get_args(Level)
"""All levels, most severe first."""
_ENOUGH_INOTIFY: Final = {"watches": 524_288, "instances": 1024}
"""Kernel limits that leave enough for every program of the user."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A check that failed: what it found, why it matters, what to do, and the repair that `--fix` would make."""

    check: str
    """The first part of the check's name."""
    level: Level = "wrong"
    what: str
    why: str
    do: str
    """What to do, as a sentence with commands in backquotes."""
    fix: Fix | None = None


_Row = object
"""What is amiss, as the words name it: something empty if nothing is, or a list for one finding per item."""


def findings(facts: Gathered) -> tuple[Finding, ...]:
    """Returns every check that fails, most severe first."""
    subjects = _subjects(facts)
    failed: list[Finding] = []
    for kind, judge in _CHECKS:
        for subject in filter(None, subjects[kind]):
            for name, row in judge(facts, subject).items():
                failed += _failed(name, row, {"facts": facts, kind: subject})
    return tuple(sorted(failed, key=lambda finding: _LEVELS.index(finding.level)))


@cache
def templates() -> dict[str, Finding]:
    """Returns what may be found, by the check's name; its texts have placeholders."""
    blocks = Path(__file__).with_name("findings.txt").read_text(encoding="utf-8").strip().split("\n\n")
    return dict(map(_template, blocks[1:]))


def _template(block: str) -> tuple[str, Finding]:
    head, what, why, do = block.split("\n")
    name, level, *fix = head.split()
    values = {"check": name.partition("/")[0], "level": level, "what": what, "why": why, "do": do}
    return name, msgspec.convert({**values, "fix": fix[0] if fix else None}, Finding)


def _subjects(facts: Gathered) -> dict[str, Sequence[object]]:
    """Returns what is checked, by kind; None in place of what is not known."""
    return {
        "facts": (facts,),
        "daemon": (facts.daemon,),
        "agent": facts.selected,
        "ledger": (facts.ledger,),
        "project": facts.projects,
        "inspection": (facts.inspection,),
    }


def _failed(name: str, row: _Row, values: dict[str, Any]) -> Iterator[Finding]:
    """Yields the findings of one check, in words that may name `values` and what the row holds."""
    if not row:
        return
    template = templates()[name]
    facts: Gathered = values["facts"]
    words = _Words(Path(facts.home))
    # A daemon that the user started is the user's to restart.
    fix = template.fix if template.fix != "restart" or facts.service.active else None
    for it in row if isinstance(row, list) else [row]:
        texts = (template.what, template.why, template.do)
        what, why, do = (words.vformat(text, (), {**values, "it": it}) for text in texts)
        level = it.get("level", template.level) if isinstance(it, dict) else template.level
        yield msgspec.structs.replace(template, level=level, what=what, why=why, do=do, fix=fix)


class _Words(Formatter):
    """Formats as usual, but a tuple as a list, and with `:path` a path, or several, as people read them.

    >>> _Words(Path("/home/ada")).format("{0:path}: {1}", "/home/ada/shop", ("AGENTS.md", "CLAUDE.md"))
    '~/shop: AGENTS.md, CLAUDE.md'
    """

    def __init__(self, home: Path) -> None:
        self._home = home

    def format_field(self, value: Any, format_spec: str) -> str:
        values = value if isinstance(value, tuple) else (value,)
        if format_spec == "path":
            return ", ".join(short_path(path or "", self._home) for path in values)
        return ", ".join(format(text, format_spec) for text in values)


def _set_up(facts: Gathered, _: Gathered) -> dict[str, _Row]:
    service = facts.service
    # If no selected agent can have hooks, installing again would change nothing.
    is_pointless = bool(facts.selected) and all(map(_cannot_have_hooks, facts.selected))
    is_to_install = not facts.installed and not is_pointless
    # An agent may also be on a disk that does not answer.
    is_without_agent = not facts.silent and not any(agent.is_here or agent.selected for agent in facts.agents)
    is_down = facts.daemon is None and facts.daemon_problem is None and not is_to_install
    is_down = is_down and facts.config_problem is None  # which says already that no daemon starts
    is_managed = facts.installed and service.kind != "none"
    return {
        "install/not-installed": is_to_install and not is_without_agent and facts.daemon is None,
        "install/no-hooks": is_to_install and not is_without_agent and facts.daemon is not None,
        "install/no-agent": is_to_install and is_without_agent,
        "daemon/service-not-running": is_down and service.installed,
        "daemon/not-running": is_down and not service.installed,
        "daemon/silent": facts.daemon_problem,
        "agents/newly-covered": ", ".join(agent.name for agent in facts.agents if agent.newly_covered),
        "service/not-registered": is_managed and not service.installed,
        "service/not-enabled": is_managed and service.installed and service.enabled is False,
        "service/failing": is_managed and service.installed and service.trouble,
    }


def _cannot_have_hooks(agent: AgentFacts) -> bool:
    """Whether the agent has none, or its own version, folder or settings rule them out."""
    has_none = agent.hooks is None and agent.entry is None
    is_unusable = agent.hooks is not None and bool(agent.hooks.problem or agent.hooks.dropped)
    return has_none or agent.state == "older" or agent.lost_folder is not None or is_unusable


def _daemon(facts: Gathered, daemon: Health) -> dict[str, _Row]:
    limit = daemon.watch.reason or ""
    return {
        "version/other-build": _other_build(facts, daemon),
        "port/taken": port_trouble(daemon),
        "ledger/trouble": daemon.ledger_trouble,
        "spool/not-kept": daemon.hook_calls.get("not_kept", 0),
        "inotify/limit": _ENOUGH_INOTIFY.get(limit),
        "watch/too-many-folders": limit == "descriptors",
    }


def _other_build(facts: Gathered, daemon: Health) -> str | None:
    if (daemon.version, daemon.build) == (facts.version, facts.build):
        return None
    if daemon.version == facts.version:
        return f"is another build of {daemon.version} than this command"
    return f"is {daemon.version}, this command is {facts.version}"


def _agent(facts: Gathered, agent: AgentFacts) -> dict[str, _Row]:
    hooks = agent.hooks or HooksReport()
    entry = agent.entry
    installed = facts.installed
    return {
        "hooks/settings-unreadable": hooks.problem,
        "hooks/dropped": hooks.dropped,
        "hooks/missing": installed and not (hooks.dropped or agent.locked) and hooks.missing,
        "hooks/locked": installed and not hooks.dropped and agent.locked and hooks.missing,
        "hooks/edited": installed and hooks.edited,
        "hooks/off": installed and hooks.switched_off,
        "review/hooks": installed and not hooks.switched_off and hooks.to_review,
        "hooks/entry-unreadable": entry and entry.problem,
        "hooks/entry-missing": installed and entry and not (entry.problem or entry.present),
        "folder/lost": agent.lost_folder is not None,
        "transcripts/closed": agent.closed,
        "transcripts/moved": agent.moved_from,
        "version/newer": agent.state == "newer",
        "version/older": agent.state == "older",
    }


def _ledger(_: Gathered, ledger: LedgerFacts) -> dict[str, _Row]:
    return {
        "transcripts/not-understood": _not_understood(ledger.skipped),
        "project/unwritten": [row for row in ledger.projects if (row.refusal or "").startswith(UNWRITTEN)],
        "project/withheld": tuple(row.root for row in ledger.projects if row.refusal == WITHHELD),
        "transcripts/broken": ledger.broken and counted(len(ledger.broken), "transcript"),
    }


def _not_understood(skipped: Sequence[SkippedRow]) -> _Row:
    """Returns how many recent records were not understood, and most of which version and types, if they are many."""
    since_ms = utc_now_ms() - _RECENT_MS
    versions: Counter[tuple[str, str]] = Counter()
    types: Counter[str] = Counter()
    for row in skipped:
        if row.last_ms >= since_ms:
            versions[row.agent, row.agent_version] += row.n
            types[row.record_type] += row.n
    if versions.total() < MANY_SKIPPED:
        return None
    [((agent, version), _)] = versions.most_common(1)
    named = tuple(f"{kind} ({n:,})" for kind, n in types.most_common(MOST_TYPES))
    return {"number": versions.total(), "version": f"{agent_name(agent)} {version}".rstrip(), "types": named}


def _machine(facts: Gathered, _: Gathered) -> dict[str, _Row]:
    ignored = facts.ledger.ignored_settings if facts.ledger is not None else {}
    unreadable = [f"{agent.name}: {agent.unread}" for agent in facts.selected if agent.state == "unreadable"]
    return {
        "ledger/moved-aside": tuple(facts.corrupt_ledgers),
        "settings/problem": _settings_problems(facts),
        "settings/ignored": [{"root": root, "notes": "; ".join(notes)} for root, notes in ignored.items()],
        "settings/unknown-keys": list(facts.config.unknown_keys),
        "paused/all": facts.paused,
        "version/unreadable": unreadable,
        "git/not-run": facts.git_trouble,
        "agents/left-out": [{"agent": agent, "reason": reason} for agent, reason in facts.left_out.items()],
        "project/silent-disk": list(facts.silent),
    }


def _settings_problems(facts: Gathered) -> list[str]:
    reloaded = facts.daemon.config_trouble if facts.daemon is not None else None
    if reloaded is not None and reloaded in (facts.config_problem or ""):
        reloaded = None  # one mistake, reported once
    return list(filter(None, (facts.config_problem, reloaded, facts.journal_problem)))


def _inspection(facts: Gathered, inspection: Inspection) -> dict[str, _Row]:
    daemon = facts.daemon
    hooks = [agent.hooks for agent in facts.selected if agent.hooks]
    # A daemon that is not running is reported already, and writes the script when it starts.
    needs_script = daemon is not None and any(of_agent.present for of_agent in hooks)
    is_reported = daemon is not None and daemon.ledger_trouble
    free_bytes = inspection.free_bytes if inspection.free_bytes is not None else LEAST_FREE_BYTES
    return {
        "hooks/script-missing": inspection.hook_script_missing and needs_script,
        "hooks/no-curl": inspection.curl_missing and hooks != [],
        "installs/others": inspection.other_installs,
        "path/not-on-it": inspection.path_problem,
        "ledger/trouble": not is_reported and not inspection.ledger_damage and facts.ledger_problem,
        "ledger/damaged": inspection.ledger_damage,
        "disk/full": free_bytes < LEAST_FREE_BYTES and f"{free_bytes // 1_000_000}",
        "disk/unusable": inspection.unusable,
        "permissions/open-to-others": () if inspection.unusable else inspection.open_to_others,
    }


def _project(facts: Gathered, project: ProjectFacts) -> dict[str, _Row]:
    changed = {"has text that is not Carryover's": project.edited, "lost one of its markers": project.broken}
    return {
        "project/open-to-git": project.open_to,
        "pointer/changed": [{"file": file, "what": what} for what, files in changed.items() for file in files],
        "pointer/hidden": [_hidden(facts, file) for file in project.hidden],
        "project/not-published": _not_published(facts, project.refusal),
        "transcripts/unread": [_unread(source) for source in project.unread],
    }


def _hidden(facts: Gathered, file: HiddenFile) -> dict[str, object]:
    is_here = file.agent in {agent.id for agent in facts.agents if agent.is_here}
    return {"level": "wrong" if is_here else "note", "file": file, "agent": agent_name(file.agent)}


def _not_published(facts: Gathered, refusal: Refusal | None) -> str | None:
    explained = (WITHHELD, ONLY_GIT) if facts.git_trouble else (WITHHELD,)
    return refusal.reason if refusal is not None and not refusal.in_git and refusal.reason not in explained else None


def _unread(source: UnreadSource) -> dict[str, object]:
    command = f"carryover import {shell_word(source.path)}"
    return {"source": source, "agent": agent_name(source.agent), "command": command}


_CHECKS: Final[tuple[tuple[str, Callable[[Gathered, Any], dict[str, _Row]]], ...]] = (
    ("facts", _set_up),
    ("daemon", _daemon),
    ("agent", _agent),
    ("ledger", _ledger),
    ("facts", _machine),
    ("inspection", _inspection),
    ("project", _project),
)
"""What the checks are about, in the order in which their findings are named."""
