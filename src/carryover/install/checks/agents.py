"""Whether the agents are where and what they were: their folders, versions and transcripts."""

from __future__ import annotations

from collections.abc import Iterator

from carryover.install.checks.finding import Finding
from carryover.install.facts import Facts, ToolFacts


def tools(facts: Facts) -> Iterator[Finding]:
    for tool in facts.tools:
        if tool.lost_folder:
            yield Finding(
                check="folder",
                what=f"{tool.name}: {tool.lost_by} names {tool.lost_folder}, which is not there.",
                why=f"{tool.name} does not start so. Nothing is written there, and nothing can be read.",
                do=f"Make the folder, or take {tool.lost_by} back, also from `[tools.{tool.id}]` in config.toml; "
                "then run `carryover refresh`.",
            )
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
        if tool.state == "older":
            yield Finding(
                check="version",
                level="note",
                what=f"{tool.name} {tool.version} is older than the hooks Carryover needs.",
                why="No hooks are written. Its transcripts are read all the same.",
                do=f"Update {tool.name} when you can, then run `carryover refresh`.",
            )
        if tool.state == "unreadable":
            yield Finding(
                check="version",
                level="note",
                what=f"{tool.name}: its version could not be read.",
                why="Only the hooks that are safe for such a version are written.",
                do="Leave it so where you use it inside an editor only. Else see that its command is on PATH and says "
                "its version, then run `carryover refresh`.",
            )
        if tool.keeps_days is not None:
            yield _deletes(facts, tool, tool.keeps_days)


def _deletes(facts: Facts, tool: ToolFacts, days: int) -> Finding:
    kept = facts.ledger
    held = (
        f"The ledger holds {kept.sessions:,} session{'' if kept.sessions == 1 else 's'}"
        if kept is not None
        else "The ledger is still empty"
    )
    gone = f", {kept.gone_sources:,} of whose transcripts are gone" if kept is not None and kept.gone_sources else ""
    return Finding(
        check="transcripts",
        level="note",
        what=f"{tool.name} deletes transcripts that are older than {days} days (`{tool.kept_by}`).",
        why=f"{held}{gone}; what it has read it keeps.",
        do=f"Raise `{tool.kept_by}` in {tool.config} if you want the transcripts themselves.",
    )
