"""What may be wrong with a selected agent or an active project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from carryover.agents import agent_name
from carryover.diagnose.report import AgentReport, Finding, ProjectReport, Report
from carryover.install.agent_settings import HooksReport

_FIX: Final = "Run `carryover doctor --fix` or `carryover refresh`."


def selected(report: Report) -> tuple[AgentReport, ...]:
    """Returns the selected agents that are on this machine."""
    return tuple(agent for agent in report.agents if agent.selected and agent.state != "missing")


def cannot_have_hooks(agent: AgentReport) -> bool:
    """Whether the agent's own version, folder or settings rule out hooks."""
    unusable = agent.hooks is not None and bool(agent.hooks.problem or agent.hooks.dropped)
    return agent.state == "older" or agent.lost_folder is not None or unusable


def findings(report: Report, agent: AgentReport) -> Iterator[Finding]:
    """Finds what is wrong with a selected agent: its settings, folders, version."""
    yield from _hooks(report, agent)
    yield from _entry(report, agent)
    yield from _folders(report, agent)
    if agent.state in _VERSIONS:
        what, why, do = (text.format(agent=agent) for text in _VERSIONS[agent.state])
        yield Finding(check="version", level="note", what=what, why=why, do=do)
    yield from _transcripts_deleted(report, agent)


def _hooks(report: Report, agent: AgentReport) -> Iterator[Finding]:
    hooks = agent.hooks
    if hooks is None:
        return
    config = report.short(agent.config or "")
    if hooks.problem:
        yield Finding(
            check="hooks",
            what=hooks.problem,
            why=f"{agent.name} reads no settings from such a file either, and no hooks can be written.",
            do="Repair the file, then run `carryover refresh`.",
        )
    if hooks.dropped:
        yield Finding(
            check="hooks",
            what=f"{agent.name} runs no hook of {config}: {hooks.dropped}.",
            why="No session gets a handoff, and hooks of other programs in that file do not run either.",
            do="Correct that in the file, then run `carryover refresh`.",
        )
    if report.installed:
        yield from _our_hooks(report, agent, hooks)


def _our_hooks(report: Report, agent: AgentReport, hooks: HooksReport) -> Iterator[Finding]:
    config = report.short(agent.config or "")
    if hooks.missing and not hooks.dropped:
        yield Finding(
            check="hooks",
            what=f"{agent.name}: hooks are missing in {config}: {', '.join(hooks.missing)}.",
            why="Without the first one a new session gets no handoff; without the others handoffs come later.",
            do=_FIX,
            fix="hooks",
        )
    if hooks.edited:
        yield Finding(
            check="hooks",
            what=f"{agent.name}: hooks in {config} are not as this version writes them: {', '.join(hooks.edited)}.",
            why="They were edited by hand, or written for another version of the agent.",
            do="Remove the lines that you edited, then run `carryover refresh`. Or leave them if you meant it.",
        )
    if hooks.switched_off:
        setting, place = f"`{hooks.switched_off_by}`", report.short(hooks.switched_off_in or "")
        yield Finding(
            check="hooks",
            what=f"{agent.name}: all hooks are switched off ({setting} in {place}).",
            why="No session gets a handoff by itself. Transcripts are read all the same, and a pointer in your "
            "AGENTS.md still leads to the handoff.",
            do=f"Remove {setting} from {place} if you did not mean that. `carryover to` works without hooks too.",
        )
    elif hooks.to_review:
        yield Finding(
            check="review",
            level="todo",
            what=f"{agent.name}: hooks are installed, but not reviewed yet: {', '.join(hooks.to_review)}.",
            why="They do not run before that. Transcripts are read all the same.",
            do=agent.review or "",
        )


def _entry(report: Report, agent: AgentReport) -> Iterator[Finding]:
    entry = agent.entry
    if entry is None:
        return
    if entry.problem:
        yield Finding(
            check="hooks",
            what=entry.problem,
            why=f"The entry that makes {agent.name} load the handoff cannot be written.",
            do="Repair the file, then run `carryover refresh`.",
        )
    elif report.installed and not entry.present:
        yield Finding(
            check="hooks",
            what=f"{agent.name}: `{entry.entry}` is missing in `{entry.key}` of {report.short(agent.config or '')}.",
            why="Without it only a pointer in your AGENTS.md leads a session to the handoff.",
            do=_FIX,
            fix="hooks",
        )


def _folders(report: Report, agent: AgentReport) -> Iterator[Finding]:
    if agent.lost_folder is not None:
        yield Finding(
            check="folder",
            what=f"{agent.name}: {agent.lost_by} names {report.short(agent.lost_folder)}, which does not exist.",
            why=f"{agent.name} does not start like this. Nothing is written there, and nothing can be read.",
            do=f"Create the folder, or unset {agent.lost_by} and remove it from config.toml, too; "
            "then run `carryover refresh`.",
        )
    if agent.moved_from:
        before, today = (", ".join(map(report.short, roots)) for roots in (agent.moved_from, agent.roots_today))
        yield Finding(
            check="transcripts",
            what=f"{agent.name}'s transcripts were in {before} when it was installed; "
            f"now they are expected in {today}.",
            why="What is written to the other place may be missed.",
            do="Run `carryover refresh` in the shell in which you use the agent.",
        )


_VERSIONS: Final = {
    "newer": (
        "{agent.name} {agent.version} is newer than the versions Carryover knows.",
        "Its hooks or its transcripts may have changed.",
        "Update Carryover when you can.",
    ),
    "older": (
        "{agent.name} {agent.version} is older than the hooks Carryover needs.",
        "No hooks are written. Its transcripts are read all the same.",
        "Update {agent.name} when you can, then run `carryover refresh`.",
    ),
    "unreadable": (
        "{agent.name}: its version could not be read.",
        "Only the hooks that are safe for any version are written.",
        "That is fine if you use it only inside an editor. Otherwise make sure that its command is on PATH and prints "
        "its version, then run `carryover refresh`.",
    ),
}


def _transcripts_deleted(report: Report, agent: AgentReport) -> Iterator[Finding]:
    if agent.keeps_days is None:
        return
    yield Finding(
        check="transcripts",
        level="note",
        what=f"{agent.name} deletes transcripts that are older than {agent.keeps_days} days (`{agent.kept_by}`).",
        why="The ledger keeps what it has read.",
        do=f"Raise `{agent.kept_by}` in {report.short(agent.config or '')} if you want the transcripts themselves.",
    )


def project_findings(report: Report, project: ProjectReport) -> Iterator[Finding]:
    """Finds pointers that are not as they were written or are not read, and what is not published or read there."""
    yield from _pointers(report, project)
    if project.refusal is not None:
        yield Finding(
            check="project",
            level="wrong" if project.refusal.tracked else "note",
            what=f"{report.short(project.root)}: nothing is published there: {project.refusal.reason}.",
            why="A new session in it finds no handoff in a file; the ledger still has everything.",
            do="Change that, or leave it if you meant it.",
        )
    for source in project.unread:
        name = agent_name(source.agent)
        yield Finding(
            check="transcripts",
            level="note",
            what=f"{report.short(source.path)} is not read: {source.reason}.",
            why=f"What {name} did there is not in the handoff.",
            do=f"Nothing, if it is not yours. Else keep it out of git; it is read once {name} has written to it again.",
        )


def _pointers(report: Report, project: ProjectReport) -> Iterator[Finding]:
    root = report.short(project.root)
    for names, what in ((project.edited, "was edited by hand"), (project.broken, "lost one of its markers")):
        for name in names:
            yield Finding(
                check="pointer",
                what=f"{root}: the pointer in {name} {what}.",
                why="It is left alone from now on, also by `carryover uninstall --purge`.",
                do=f"Remove the Carryover block from {name}, and a fresh one is written. Or leave it if you meant it.",
            )
    for agent in selected(report):
        if agent.reads_bytes is not None and project.pointer_end_bytes > agent.reads_bytes:
            yield Finding(
                check="pointer",
                what=f"{root}: the pointer in AGENTS.md is behind the {agent.reads_bytes:,} bytes that {agent.name} "
                "reads.",
                why=f"AGENTS.md does not lead {agent.name} to the handoff there; only its hooks do.",
                do="Move the Carryover block to the top of AGENTS.md, or make the file shorter.",
            )
    here = {agent.id for agent in report.agents if agent.state != "missing"}
    for hidden in project.hidden:
        name = agent_name(hidden.agent)
        yield Finding(
            check="pointer",
            level="wrong" if hidden.agent in here else "note",
            what=f"{root}: {hidden.by} hides {hidden.name}, and the pointer in it, from {name}.",
            why=f"{name} is not led to the handoff there.",
            do=f"Add `Read .carryover/handoff.md before starting work.` to {hidden.by} if you use {name}.",
        )
