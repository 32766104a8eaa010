"""Whether our hooks are where they should be, and whether the agents run them."""

from __future__ import annotations

from collections.abc import Iterator

from carryover.install.checks.finding import Finding
from carryover.install.facts import Facts, ToolFacts


def hooks(facts: Facts) -> Iterator[Finding]:
    for tool in facts.tools:
        yield from _file(tool)
        if facts.installed:
            yield from _ours(tool)
            yield from _run(tool)
    # A daemon that does not run is said already, and puts the script there when it starts.
    if facts.stub_missing and facts.daemon.running and any(tool.present for tool in facts.tools):
        yield Finding(
            check="hooks",
            what=f"The script that the hooks run is missing in {facts.state}.",
            why="The hooks do nothing, quietly.",
            do="Restart carryoverd: it puts the script there.",
            fix="restart" if facts.service.active else None,
        )


def _file(tool: ToolFacts) -> Iterator[Finding]:
    """What is wrong with the settings file, whoever's hooks are in it."""
    if tool.problem:
        yield Finding(
            check="hooks",
            what=tool.problem,
            why=f"{tool.name} reads no settings from such a file either, and no hooks can be written.",
            do="Repair the file, then run `carryover refresh`.",
        )
    if tool.dropped:
        yield Finding(
            check="hooks",
            what=f"{tool.name} runs no hook of {tool.config}: {tool.dropped}.",
            why="No session is told anything, and hooks of other programs in that file do not run either.",
            do="Put that right in the file, then run `carryover refresh`.",
        )
    if tool.ignored:
        yield Finding(
            check="hooks",
            level="note",
            what=f"{tool.name} does not see what stands beside `hooks` in {tool.config}: {', '.join(tool.ignored)}.",
            why="It looks for events only below `hooks`. Ours are there; those are not Carryover's and stay.",
            do="Move them below `hooks` if they are meant to run.",
        )


def _ours(tool: ToolFacts) -> Iterator[Finding]:
    if tool.elsewhere:
        yield Finding(
            check="hooks",
            what=f"{tool.name}: our hooks are in {', '.join(tool.elsewhere)}; they belong into {tool.config}.",
            why=f"{tool.name} warns at each start where hooks stand in both.",
            do="Run `carryover doctor --fix` or `carryover refresh`.",
            fix="hooks",
        )
    elif tool.missing and not tool.dropped:
        yield Finding(
            check="hooks",
            what=f"{tool.name}: hooks were removed or overwritten in {tool.config}: {', '.join(tool.missing)}.",
            why="Without the one at its start a new session is told nothing; without the others handoffs come later.",
            do="Run `carryover doctor --fix` or `carryover refresh`.",
            fix="hooks",
        )
    if tool.edited:
        yield Finding(
            check="hooks",
            what=f"{tool.name}: hooks in {tool.config} are not as this version writes them: {', '.join(tool.edited)}.",
            why="They were edited by hand, or written for another version of the agent.",
            do="Take lines that you edited out, then run `carryover refresh`. Or leave them so if you meant it.",
        )


def _run(tool: ToolFacts) -> Iterator[Finding]:
    """What keeps hooks from running that are as they should be."""
    if tool.to_review and not tool.switched_off:
        yield Finding(
            check="review",
            what=f"{tool.name}: hooks are installed, and not reviewed yet: {', '.join(tool.to_review)}.",
            why="Transcripts are read all the same.",
            do=tool.review,
        )
    if tool.switched_off:
        yield Finding(
            check="hooks",
            what=f"{tool.name}: all hooks are switched off (`{tool.switched_off}` in {tool.switched_off_in}).",
            why="No session is told anything. Transcripts are read all the same, and the pointer in AGENTS.md "
            "still leads to the handoff.",
            do=f"Take `{tool.switched_off}` out of {tool.switched_off_in} if you did not mean that.",
        )
