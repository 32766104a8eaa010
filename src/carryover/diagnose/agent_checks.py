"""Checks of each selected agent and each active project, for the table in `carryover.diagnose.checks`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from carryover.agents import agent_name
from carryover.diagnose.report import AgentReport, Finding, Inspection, ProjectReport, Report
from carryover.install.agent_settings import HooksReport

_FIX: Final = "Run `carryover doctor --fix` or `carryover refresh`."


def selected(report: Report) -> tuple[AgentReport, ...]:
    """Returns the selected agents that are on this machine."""
    return tuple(agent for agent in report.agents if agent.selected and agent.state != "missing")


def cannot_have_hooks(agent: AgentReport) -> bool:
    """Whether the agent's own version, folder or settings rule out hooks."""
    unusable = agent.hooks is not None and bool(agent.hooks.problem or agent.hooks.dropped)
    return agent.state == "older" or agent.lost_folder is not None or unusable


def hooks(report: Report, inspection: Inspection, agent: AgentReport) -> Iterator[Finding]:
    """Finds unreadable or ignored settings, and our hooks if they are missing, edited or switched off."""
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
    if inspection.installed:
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


def entry(report: Report, inspection: Inspection, agent: AgentReport) -> Iterator[Finding]:
    """Finds settings that do not make the agent load the handoff."""
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
    elif inspection.installed and not entry.present:
        yield Finding(
            check="hooks",
            what=f"{agent.name}: `{entry.entry}` is missing in `{entry.key}` of {report.short(agent.config or '')}.",
            why="Without it only a pointer in your AGENTS.md leads a session to the handoff.",
            do=_FIX,
            fix="hooks",
        )


def folders(report: Report, _inspection: Inspection, agent: AgentReport) -> Iterator[Finding]:
    """Finds variables that point the agent to a missing folder, and transcripts that have moved."""
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
        "Update Carryover when you can: `{update}`.",
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


def version(_report: Report, inspection: Inspection, agent: AgentReport) -> Iterator[Finding]:
    """Notes a version that is unreadable, newer than the known ones, or too old for hooks."""
    if agent.state in _VERSIONS:
        what, why, do = (text.format(agent=agent, update=inspection.update) for text in _VERSIONS[agent.state])
        yield Finding(check="version", level="note", what=what, why=why, do=do)


def transcripts_deleted(report: Report, _inspection: Inspection, agent: AgentReport) -> Iterator[Finding]:
    """Notes that the agent deletes old transcripts."""
    if agent.keeps_days is None:
        return
    held, gone = "The ledger is still empty", ""
    if (ledger := report.ledger) is not None:
        held = f"The ledger holds {ledger.sessions:,} session{'' if ledger.sessions == 1 else 's'}"
        gone = f", {ledger.gone_sources:,} of whose transcripts are gone" if ledger.gone_sources else ""
    yield Finding(
        check="transcripts",
        level="note",
        what=f"{agent.name} deletes transcripts that are older than {agent.keeps_days} days (`{agent.kept_by}`).",
        why=f"{held}{gone}; it keeps what it has read.",
        do=f"Raise `{agent.kept_by}` in {report.short(agent.config or '')} if you want the transcripts themselves.",
    )


def pointers(report: Report, _inspection: Inspection, project: ProjectReport) -> Iterator[Finding]:
    """Finds pointers that were edited, lost a marker or are not read by an agent, and the files that hide them."""
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


def refused(report: Report, _inspection: Inspection, project: ProjectReport) -> Iterator[Finding]:
    """Finds projects in which nothing may be published."""
    if project.refusal is not None:
        yield Finding(
            check="project",
            level="wrong" if project.refusal.tracked else "note",
            what=f"{report.short(project.root)}: nothing is published there: {project.refusal.reason}.",
            why="A new session in it finds no handoff in a file; the ledger still has everything.",
            do="Change that, or leave it if you meant it.",
        )


def history_not_believed(report: Report, _inspection: Inspection, project: ProjectReport) -> Iterator[Finding]:
    """Finds apparent agent transcripts in a project that may have come with its repository."""
    for source in project.unread:
        name = agent_name(source.agent)
        yield Finding(
            check="transcripts",
            level="note",
            what=f"{report.short(source.path)} is not read: {source.reason}.",
            why=f"What {name} did there is not in the handoff.",
            do=f"Nothing, if it is not yours. Else keep it out of git; it is read once {name} has written to it again.",
        )
