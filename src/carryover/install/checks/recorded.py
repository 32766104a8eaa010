"""Whether what was recorded is whole and gets where it should: the ledger, the projects, the pointers in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from carryover.agents import agent_names
from carryover.install.checks.finding import Finding
from carryover.install.facts import Facts, ProjectFacts, ToolFacts

MANY_SKIPPED: Final = 50
"""So many records that are not understood are more than one odd transcript."""


def ledger(facts: Facts) -> Iterator[Finding]:
    kept = facts.ledger
    if facts.daemon.ledger_trouble:
        yield Finding(
            check="ledger",
            what=facts.daemon.ledger_trouble,
            why="Nothing new is recorded until that is over. Nothing is lost: transcripts are read again.",
            do="Do what it says; carryoverd goes on by itself.",
        )
    if kept is None:
        return
    if kept.damage:
        yield Finding(
            check="ledger",
            what=f"The ledger is damaged: {kept.damage}",
            why="Parts of what was recorded may be missing.",
            do="Restart carryoverd: it moves the file aside and saves what can be read.",
            fix="restart" if facts.service.active else None,
        )
    if kept.moved_aside:
        yield Finding(
            check="ledger",
            level="note",
            what=f"A damaged ledger was moved aside: {', '.join(kept.moved_aside)}.",
            why="What could be read of it is in the present one.",
            do="Delete it when you miss nothing.",
        )
    if kept.skipped >= MANY_SKIPPED:
        yield Finding(
            check="transcripts",
            what=f"{kept.skipped:,} records were not understood, the newest this week, most of {kept.skipped_of}.",
            why="The agent's format has probably changed; handoffs may lack what those records say.",
            do=f"Update Carryover: `{facts.update}`. `carryover status` lists them.",
        )
    if kept.broken:
        yield Finding(
            check="transcripts",
            level="note",
            what=f"{kept.broken:,} transcripts cannot be read now.",
            why="What they say is missing until they can be.",
            do="`carryover status` says which, and why.",
        )


def projects(facts: Facts) -> Iterator[Finding]:
    for project in facts.projects:
        yield from _pointers(project)
        if project.refusal is not None:
            yield Finding(
                check="project",
                level="wrong" if project.refusal.tracked else "note",
                what=f"{project.root}: nothing is published there: {project.refusal.reason}.",
                why="A new session in it is told nothing from a file; the ledger still has everything.",
                do="Change that, or leave it so if you meant it.",
            )
        for tool in facts.tools:
            if tool.reads_bytes is not None and project.pointer_end_bytes > tool.reads_bytes:
                yield _cut_off(project, tool, tool.reads_bytes)
        for hidden in project.hidden:
            name = agent_names()[hidden.agent]
            yield Finding(
                check="pointer",
                level="wrong" if hidden.agent in facts.agents_here else "note",
                what=f"{project.root}: {hidden.by} hides {hidden.name}, and the pointer in it, from {name}.",
                why=f"{name} is not led to the handoff there.",
                do=f"Add `Read .carryover/handoff.md before starting work.` to {hidden.by} if you use {name}.",
            )


def _cut_off(project: ProjectFacts, tool: ToolFacts, reads_bytes: int) -> Finding:
    return Finding(
        check="pointer",
        what=f"{project.root}: the pointer in AGENTS.md lies behind the {reads_bytes:,} bytes that {tool.name} reads.",
        why=f"{tool.name} is not led to the handoff there by AGENTS.md; only its hooks tell it.",
        do="Move the Carryover block to the top of AGENTS.md, or make the file shorter.",
    )


def _pointers(project: ProjectFacts) -> Iterator[Finding]:
    for names, what in ((project.edited, "was edited by hand"), (project.broken, "lost one of its markers")):
        for name in names:
            yield Finding(
                check="pointer",
                what=f"{project.root}: the pointer in {name} {what}.",
                why="It is left alone from now on, also by `carryover uninstall --purge`.",
                do=f"Take the Carryover block out of {name}; a fresh one is put in. Or leave it so if you meant it.",
            )
