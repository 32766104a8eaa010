"""Whether the agents do what they should: their hooks, versions and transcripts."""

from __future__ import annotations

from collections.abc import Iterator

from carryover.install.checks.finding import Finding
from carryover.install.facts import Facts, ToolFacts


def hooks(facts: Facts) -> Iterator[Finding]:
    if not facts.installed:
        return
    for tool in facts.tools:
        if tool.problem:
            yield Finding(
                check="hooks",
                what=tool.problem,
                why=f"{tool.name} reads no settings from such a file either, and hooks cannot be written into it.",
                do="Repair the file, then run `carryover refresh`.",
            )
        if tool.missing:
            yield Finding(
                check="hooks",
                what=f"{tool.name}: hooks were removed or overwritten in {tool.config}: {', '.join(tool.missing)}.",
                why="Without SessionStart a new session is told nothing; without the others handoffs come later.",
                do="Run `carryover doctor --fix` or `carryover refresh`.",
                fix="hooks",
            )
        if tool.edited:
            yield Finding(
                check="hooks",
                what=f"{tool.name}: hooks in {tool.config} are not as this version writes them: "
                f"{', '.join(tool.edited)}.",
                why="They were edited by hand, or written for another version of the agent.",
                do="Take lines that you edited out, then run `carryover refresh`. Or leave them so if you meant it.",
            )
        if tool.switched_off:
            yield Finding(
                check="hooks",
                what=f"{tool.name}: all hooks are switched off (`disableAllHooks` in {tool.config}).",
                why="No session is told anything. Transcripts are read all the same, and the pointer in AGENTS.md "
                "still leads to the handoff.",
                do=f"Take `disableAllHooks` out of {tool.config} if you did not mean that.",
            )
    if facts.stub_missing and any(tool.present for tool in facts.tools):
        yield Finding(
            check="hooks",
            what=f"The script that the hooks run is missing in {facts.state}.",
            why="The hooks do nothing, quietly.",
            do="Start or restart carryoverd: it puts the script there.",
            fix="restart" if facts.service.active else None,
        )


def tools(facts: Facts) -> Iterator[Finding]:
    for tool in facts.tools:
        if tool.moved_from:
            yield Finding(
                check="transcripts",
                what=f"{tool.name}'s transcripts were in {', '.join(tool.moved_from)} when it was installed; "
                f"now they are looked for in {', '.join(tool.roots)}.",
                why="What is written to the other place may go unseen.",
                do="Run `carryover refresh` in the shell in which you use the agent.",
            )
        if tool.state == "newer":
            yield Finding(
                check="version",
                level="note",
                what=f"{tool.name} {tool.version} is newer than the versions Carryover knows.",
                why="Its hooks or its transcripts may have changed.",
                do=f"Update Carryover when you can: `{facts.update}`.",
            )
        if tool.state in ("older", "unreadable"):
            yield Finding(
                check="version",
                level="note",
                what=f"{tool.name} {tool.version}: its version is too old or could not be read.",
                why="Only the hooks that are safe for such a version are written.",
                do=f"Update {tool.name} when you can, then run `carryover refresh`.",
            )
        if tool.keeps_days is not None:
            yield _deletes(facts, tool, tool.keeps_days)


def _deletes(facts: Facts, tool: ToolFacts, days: int) -> Finding:
    kept = facts.ledger
    held = f"The ledger holds {kept.sessions:,} sessions" if kept is not None else "The ledger is still empty"
    gone = f", {kept.gone_sources:,} of whose transcripts are gone" if kept is not None and kept.gone_sources else ""
    return Finding(
        check="transcripts",
        level="note",
        what=f"{tool.name} deletes transcripts that are older than {days} days (`cleanupPeriodDays`).",
        why=f"{held}{gone}; what it has read it keeps.",
        do=f"Raise `cleanupPeriodDays` in {tool.config} if you want the transcripts themselves.",
    )
