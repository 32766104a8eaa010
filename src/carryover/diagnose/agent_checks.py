"""Checks on each selected agent and each active project, for the table in `carryover.diagnose.checks`."""

from __future__ import annotations

from collections.abc import Iterator

from carryover.agents import agent_names
from carryover.diagnose.report import AgentReport, Finding, Inspection, ProjectReport, Report


def selected(report: Report) -> tuple[AgentReport, ...]:
    """The agents that were chosen and are on this machine."""
    return tuple(agent for agent in report.agents if agent.selected and agent.state != "missing")


def cannot_have_hooks(agent: AgentReport) -> bool:
    """Whether something about the agent itself prevents hooks: its version, its folder or its settings."""
    unusable = agent.hooks is not None and bool(agent.hooks.problem or agent.hooks.dropped)
    return agent.state == "older" or agent.lost_folder is not None or unusable


def settings_unreadable(_report: Report, _inspection: Inspection, agent: AgentReport) -> Iterator[Finding]:
    """Finds a settings file that cannot be read."""
    if agent.hooks is not None and agent.hooks.problem:
        yield Finding(
            check="hooks",
            what=agent.hooks.problem,
            why=f"{agent.name} reads no settings from such a file either, and no hooks can be written.",
            do="Repair the file, then run `carryover refresh`.",
        )


def hooks_dropped(report: Report, _inspection: Inspection, agent: AgentReport) -> Iterator[Finding]:
    """Finds a file of hooks that the agent drops as a whole."""
    if agent.hooks is not None and agent.hooks.dropped:
        yield Finding(
            check="hooks",
            what=f"{agent.name} runs no hook of {_config(report, agent)}: {agent.hooks.dropped}.",
            why="No session gets a handoff, and hooks of other programs in that file do not run either.",
            do="Correct that in the file, then run `carryover refresh`.",
        )


def hooks_ignored(report: Report, _inspection: Inspection, agent: AgentReport) -> Iterator[Finding]:
    """Notes events that the agent does not see because of their place."""
    if agent.hooks is not None and agent.hooks.ignored:
        ignored = ", ".join(agent.hooks.ignored)
        yield Finding(
            check="hooks",
            level="note",
            what=f"{agent.name} ignores what is beside `hooks` in {_config(report, agent)}: {ignored}.",
            why="It looks for events only below `hooks`. Carryover's are there; these are not Carryover's and stay.",
            do="Move them below `hooks` if they are meant to run.",
        )


def hooks_misplaced_or_missing(report: Report, inspection: Inspection, agent: AgentReport) -> Iterator[Finding]:
    """Finds hooks of ours that are in another file, or gone."""
    hooks = agent.hooks
    if hooks is None or not inspection.installed:
        return
    if hooks.misplaced_in:
        places = ", ".join(map(report.short, hooks.misplaced_in))
        yield Finding(
            check="hooks",
            what=f"{agent.name}: Carryover's hooks are in {places}; they belong in {_config(report, agent)}.",
            why=f"{agent.name} warns at each start if both files hold hooks.",
            do="Run `carryover doctor --fix` or `carryover refresh`.",
            fix="hooks",
        )
    elif hooks.missing and not hooks.dropped:
        missing = ", ".join(hooks.missing)
        yield Finding(
            check="hooks",
            what=f"{agent.name}: hooks were removed or overwritten in {_config(report, agent)}: {missing}.",
            why="Without the first one a new session gets no handoff; without the others handoffs come later.",
            do="Run `carryover doctor --fix` or `carryover refresh`.",
            fix="hooks",
        )


def entry_missing(report: Report, inspection: Inspection, agent: AgentReport) -> Iterator[Finding]:
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
            what=f"{agent.name}: `{entry.entry}` is missing in `{entry.key}` of {_config(report, agent)}.",
            why="Without it only the pointer in AGENTS.md leads a session to the handoff.",
            do="Run `carryover doctor --fix` or `carryover refresh`.",
            fix="hooks",
        )


def hooks_edited(report: Report, inspection: Inspection, agent: AgentReport) -> Iterator[Finding]:
    """Finds hooks of ours that are not as this version writes them."""
    if inspection.installed and agent.hooks is not None and agent.hooks.edited:
        edited = ", ".join(agent.hooks.edited)
        yield Finding(
            check="hooks",
            what=f"{agent.name}: hooks in {_config(report, agent)} are not as this version writes them: {edited}.",
            why="They were edited by hand, or written for another version of the agent.",
            do="Remove the lines that you edited, then run `carryover refresh`. Or leave them if you meant it.",
        )


def hooks_not_reviewed(_report: Report, inspection: Inspection, agent: AgentReport) -> Iterator[Finding]:
    """Finds hooks that the user has yet to review."""
    hooks = agent.hooks
    if inspection.installed and hooks is not None and hooks.to_review and not hooks.switched_off:
        yield Finding(
            check="review",
            level="todo",
            what=f"{agent.name}: hooks are installed, but not reviewed yet: {', '.join(hooks.to_review)}.",
            why="They do not run before that. Transcripts are read all the same.",
            do=agent.review or "",
        )


def hooks_switched_off(report: Report, inspection: Inspection, agent: AgentReport) -> Iterator[Finding]:
    """Finds a setting that switches all hooks off."""
    hooks = agent.hooks
    if inspection.installed and hooks is not None and hooks.switched_off:
        setting = f"`{hooks.switched_off_by}`"
        place = report.short(hooks.switched_off_in or "")
        yield Finding(
            check="hooks",
            what=f"{agent.name}: all hooks are switched off ({setting} in {place}).",
            why="No session gets a handoff by itself. Transcripts are read all the same, and the pointer in AGENTS.md "
            "still leads to the handoff.",
            do=f"Remove {setting} from {place} if you did not mean that.",
        )


def folder_lost(report: Report, _inspection: Inspection, agent: AgentReport) -> Iterator[Finding]:
    """Finds a variable that moves the agent to a folder that does not exist."""
    if agent.lost_folder is not None:
        yield Finding(
            check="folder",
            what=f"{agent.name}: {agent.lost_by} names {report.short(agent.lost_folder)}, which does not exist.",
            why=f"{agent.name} does not start like this. Nothing is written there, and nothing can be read.",
            do=f"Create the folder, or unset {agent.lost_by} and remove it from config.toml, too; "
            "then run `carryover refresh`.",
        )


def transcripts_moved(report: Report, _inspection: Inspection, agent: AgentReport) -> Iterator[Finding]:
    """Finds recorded folders of transcripts that are not used any more."""
    if agent.moved_from:
        before, today = (", ".join(map(report.short, roots)) for roots in (agent.moved_from, agent.roots_today))
        yield Finding(
            check="transcripts",
            what=f"{agent.name}'s transcripts were in {before} when it was installed; "
            f"now they are expected in {today}.",
            why="What is written to the other place may be missed.",
            do="Run `carryover refresh` in the shell in which you use the agent.",
        )


def version_newer(_report: Report, inspection: Inspection, agent: AgentReport) -> Iterator[Finding]:
    """Notes a version that is newer than the known ones."""
    if agent.state == "newer":
        yield Finding(
            check="version",
            level="note",
            what=f"{agent.name} {agent.version} is newer than the versions Carryover knows.",
            why="Its hooks or its transcripts may have changed.",
            do=f"Update Carryover when you can: `{inspection.update}`.",
        )


def version_older(_report: Report, _inspection: Inspection, agent: AgentReport) -> Iterator[Finding]:
    """Notes a version that is too old for hooks."""
    if agent.state == "older":
        yield Finding(
            check="version",
            level="note",
            what=f"{agent.name} {agent.version} is older than the hooks Carryover needs.",
            why="No hooks are written. Its transcripts are read all the same.",
            do=f"Update {agent.name} when you can, then run `carryover refresh`.",
        )


def version_unreadable(_report: Report, _inspection: Inspection, agent: AgentReport) -> Iterator[Finding]:
    """Notes a version that could not be read."""
    if agent.state == "unreadable":
        yield Finding(
            check="version",
            level="note",
            what=f"{agent.name}: its version could not be read.",
            why="Only the hooks that are safe for any version are written.",
            do="That is fine if you use it only inside an editor. Otherwise make sure that its command is on PATH and "
            "prints its version, then run `carryover refresh`.",
        )


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
        do=f"Raise `{agent.kept_by}` in {_config(report, agent)} if you want the transcripts themselves.",
    )


def pointer_unusable(report: Report, _inspection: Inspection, project: ProjectReport) -> Iterator[Finding]:
    """Finds pointers that were edited, or lost a marker."""
    for names, what in ((project.edited, "was edited by hand"), (project.broken, "lost one of its markers")):
        for name in names:
            yield Finding(
                check="pointer",
                what=f"{report.short(project.root)}: the pointer in {name} {what}.",
                why="It is left alone from now on, also by `carryover uninstall --purge`.",
                do=f"Remove the Carryover block from {name}, and a fresh one is written. Or leave it if you meant it.",
            )


def project_refused(report: Report, _inspection: Inspection, project: ProjectReport) -> Iterator[Finding]:
    """Finds a project in which nothing may be published."""
    if project.refusal is not None:
        yield Finding(
            check="project",
            level="wrong" if project.refusal.tracked else "note",
            what=f"{report.short(project.root)}: nothing is published there: {project.refusal.reason}.",
            why="A new session in it finds no handoff in a file; the ledger still has everything.",
            do="Change that, or leave it if you meant it.",
        )


def pointer_cut_off(report: Report, _inspection: Inspection, project: ProjectReport) -> Iterator[Finding]:
    """Finds a pointer beyond what an agent reads of the file."""
    for agent in selected(report):
        if agent.reads_bytes is not None and project.pointer_end_bytes > agent.reads_bytes:
            yield Finding(
                check="pointer",
                what=f"{report.short(project.root)}: the pointer in AGENTS.md is behind the {agent.reads_bytes:,} "
                f"bytes that {agent.name} reads.",
                why=f"AGENTS.md does not lead {agent.name} to the handoff there; only its hooks do.",
                do="Move the Carryover block to the top of AGENTS.md, or make the file shorter.",
            )


def pointer_hidden(report: Report, _inspection: Inspection, project: ProjectReport) -> Iterator[Finding]:
    """Finds a file that hides the pointer from an agent, which reads it instead."""
    root = report.short(project.root)
    found = {agent.id for agent in report.agents if agent.state != "missing"}
    for hidden in project.hidden:
        name = agent_names()[hidden.agent]
        yield Finding(
            check="pointer",
            level="wrong" if hidden.agent in found else "note",
            what=f"{root}: {hidden.by} hides {hidden.name}, and the pointer in it, from {name}.",
            why=f"{name} is not led to the handoff there.",
            do=f"Add `Read .carryover/handoff.md before starting work.` to {hidden.by} if you use {name}.",
        )


def history_not_believed(report: Report, _inspection: Inspection, project: ProjectReport) -> Iterator[Finding]:
    """Finds what looks like an agent's transcript in a project and may have come with it."""
    for source in project.unread:
        name = agent_names()[source.agent]
        yield Finding(
            check="transcripts",
            level="note",
            what=f"{report.short(source.path)} is not read: {source.reason}.",
            why=f"What {name} did there is not in the handoff.",
            do=f"Nothing, if it is not yours. Else keep it out of git; it is read once {name} has written to it again.",
        )


def _config(report: Report, agent: AgentReport) -> str:
    return report.short(agent.config or "")
