"""Makes a project's handoff from its view. Pure. Each section is made in the file named after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from carryover.distill.closed_classes import may_list_steps
from carryover.distill.entry import Entry, Section, fixed_rank
from carryover.distill.limit import Limit, limit_line, standing_limit
from carryover.distill.names import names_in
from carryover.distill.remembered import remembered
from carryover.distill.sections import (
    failed_approaches,
    open_questions,
    progress_log,
    state_files,
    task,
    user_said,
    where_it_stands,
)
from carryover.distill.sections.git_context import came_later, git_line, is_clean
from carryover.distill.sections.next_action import is_planned, next_entries
from carryover.distill.sections.recent_calls import call_entries
from carryover.distill.sections.recent_files import file_entries, newest_edits, recent_files
from carryover.distill.sections.reverted import reverted_entries
from carryover.distill.trail import Past, Step, is_unfinished, past_of, running_jobs
from carryover.distill.view import ProjectView
from carryover.distill.worth import InPlay, in_play, mentioned
from carryover.facts import Facts, FileFacts, FileQuery

MAX_TOKENS: Final = 1800
"""Tokens of the pushed handoff's sections; the header's 8 lines do not count."""
NAMED_UNDER: Final = "Recent files"
"""The section whose last line lists the files that no other line mentions."""
LEAST_TOKENS: Final = 600
MOST_TOKENS: Final = 50_000
OFFERED_TOKENS: Final = 8000
"""The budget that the last line offers where there is no second page."""


class Handoff(msgspec.Struct, frozen=True, kw_only=True):
    """A handoff before it is fitted into its budget."""

    updated_ms: int
    """Time of the last event that the handoff covers."""
    agent: str
    agent_id: str = ""
    """That agent's id; empty where no agent's work is recorded."""
    resume: str
    session: str
    head: str | None
    sections: tuple[Section, ...]
    commits_came: bool = False
    """Whether HEAD is newer than all that is recorded, by more than an hour: no session here tells of that work."""
    settled: bool = False
    """Whether the last request was answered and nothing is open, so that there is nothing to ask the user about."""
    limit: Limit | None = None
    is_anothers: bool = False
    """Whether it is what another person shared, since nothing else is recorded here."""
    main_root: str | None = None
    """The main checkout, if all the work was done there and none yet in the worktree that gets the handoff."""
    tokens: int = MAX_TOKENS
    """Budget of the sections. Above `MAX_TOKENS`, lines and characters are not bounded."""
    depth: int = 0
    """Budget of the second page, which has more of the conversation; 0 for none."""
    page: str | None = None
    """Path of the file with the second page, as agents in the project find it; None if it is in no file."""
    command: str = "carryover handoff"
    """What prints it, to which `--tokens` is added for the second page."""
    has_calls: bool = False
    """Whether anything but words is recorded, of which the second page has more than these lines."""
    turns: tuple[tuple[str, int], ...] = ()
    """Session and number of every known turn with a prompt, the newest first."""
    root: str = ""
    edited: tuple[str, ...] = ()
    """The files of `Recent files` that are still there, those edited most first."""
    names: tuple[tuple[str, InPlay], ...] = ()
    """The names in play, by the form in which they are compared."""


def distill(
    view: ProjectView,
    facts: Facts,
    *,
    resume: str,
    now_ms: int,
    led_by: str | None = None,
    startable: Sequence[str] | None = None,
    agent_names: Mapping[str, str] = {},
) -> Handoff | None:
    """Returns the handoff of a project; None if nothing happened in it. The session with the newest work leads, unless
    `led_by` names one: after a compaction it gets its own work. `startable` are the ids of agents in which a person
    could continue at a usage limit; None offers nothing. `agent_names` maps agent ids to display names; others are
    called by their ids."""
    # Nothing in `_past_part` depends on how long ago the newest event was, so later calls find an earlier result.
    at_ms = min(now_ms, max((session.newest_ms for session in view.sessions), default=0))
    named = open_questions.still_named(view.opinions, now_ms)
    clean_ms = facts.git.committed_ms if facts.git is not None and is_clean(facts.git, view) else 0
    part = _past_part(replace(view, opinions=named), facts.files, at_ms, led_by, agent_names, clean_ms)
    if part is None:
        return None
    past = part.past
    view = past.view
    limit = standing_limit(view, startable)
    limit_text = None
    if limit is not None:
        limit_text = limit_line(limit, agent_names.get(limit.agent, limit.agent), facts.clock)
    following = [*next_entries(past, limit_text), *state_files.open_items(past, facts.files)]
    git = [git_line(facts.git, view, for_now=facts.for_now)] if facts.git is not None else []
    sections = {
        **part.sections,
        "Where it stands": tuple(where_it_stands.standing_entries(past, facts.git)),
        "Next action": tuple(following),
        "Git context": tuple(Entry(text=text, kind="git", rank=fixed_rank("git")) for text in git),
    }
    return Handoff(
        updated_ms=past.at_ms,
        agent=agent_names.get(past.lead.agent, past.lead.agent) + past.lead.where,
        agent_id=past.lead.agent,
        resume=resume,
        session=past.lead.session,
        head=facts.git.head if facts.git is not None else None,
        commits_came=facts.git is not None and came_later(facts.git, view),
        sections=tuple(
            Section(title, entries) for title, entries in sections.items() if entries or title == NAMED_UNDER
        ),
        settled=limit is None
        and not sections["Open questions"]
        and not is_planned(past, following)
        and _is_settled(past),
        limit=limit,
        main_root=view.main_root if view.is_of_main else None,
        has_calls=any(step.turn.calls for step in past.steps),
        turns=part.turns,
        root=view.root,
        edited=part.edited,
        names=part.names,
    )


class _PastPart(NamedTuple):
    """The part of a handoff that depends neither on the agents that could continue nor, except for the time at which
    all was committed, on git's state. `sections` has all titles in their order, without entries for those that
    depend on either."""

    past: Past
    sections: Mapping[str, tuple[Entry, ...]]
    turns: tuple[tuple[str, int], ...]
    edited: tuple[str, ...]
    names: tuple[tuple[str, InPlay], ...]


@remembered(most=2)  # enough for one project: its published handoff, and the answer to the last session that started
def _past_part(
    view: ProjectView,
    files: Mapping[str, FileFacts],
    now_ms: int,
    led_by: str | None,
    agent_names: Mapping[str, str],
    clean_ms: int,
) -> _PastPart | None:
    past = past_of(view, now_ms=now_ms, led_by=led_by, names=agent_names, clean_ms=clean_ms)
    if past is None:
        return None
    view = past.view
    recent = recent_files(view, files)
    of_task = task.task_steps(past)
    sections: dict[str, Sequence[Entry]] = {
        "Task": [*task.pin_entries(view), *task.task_entries(past, of_task)],
        "Where it stands": (),
        "Next action": (),
        "Open questions": open_questions.open_entries(past, recent),
        "Also in progress": progress_log.parallel_entries(past),
        "What the user said": user_said.said_entries(past, chain.from_iterable(of_task.values())),
        "Recent files": [*file_entries(past, recent), *call_entries(past)],
        "Failed approaches": [*reverted_entries(past), *failed_approaches.failed_entries(past)],
        "Progress log": progress_log.progress_entries(past),
        "From the agent's own summary": progress_log.summary_entries(past),
        "Git context": (),
    }
    return _PastPart(
        past=past,
        sections={title: tuple(entries) for title, entries in sections.items()},
        turns=tuple((step.view.session, step.turn.number) for step in reversed(past.steps) if step.turn.prompt),
        edited=tuple(
            file.path
            for file in sorted(recent, key=lambda file: -file.touched.edits)
            if file.touched.change != "delete"
        ),
        names=(*_with_deleted(in_play(*mentioned(view)), view).items(),),
    )


def _with_deleted(names: Mapping[str, InPlay], view: ProjectView) -> dict[str, InPlay]:
    """Returns the names, and which are files that were deleted last."""
    touched = [file for digest in view.digests for file in digest.touched]
    newest = {file.path.replace("\\", "/"): file for file in sorted(touched, key=attrgetter("at_ms"))}
    gone = {key: f"/{path}" for path, file in newest.items() if file.change == "delete" for key in names_in(path)}
    return {
        key: one._replace(gone=gone.get(key, "").endswith(f"/{one.shown.removeprefix('./')}"))
        for key, one in names.items()
    }


def _is_settled(past: Past) -> bool:
    """Whether the newest prompt of each session was answered, or continued elsewhere after a limit, and left nothing
    open."""
    newest = [Step(one.digest.turns[-1], one) for one in past.view.sessions if one.digest.turns]
    # A limit that still stands is open anyway.
    ended = (step for step in newest if step.turn.end != "limit")
    if any(is_unfinished(step.view, is_replied=open_questions.is_over(past, step)) for step in ended):
        return False
    last = past.steps[-1].turn
    if last.end != "answered" or last.grows or running_jobs(past) or open_questions.uncertain_edits(past.main):
        return False
    standing = [past.main, *([past.work] if past.work is not None else [])]
    return not any(may_list_steps(step.turn.answer) or _plans_since(step) for step in standing)


def _plans_since(step: Step) -> bool:
    """Whether the agent's own summary or recap or an accepted plan of the turn says what comes next."""
    digest = step.digest
    recap = digest.recap
    if recap is not None and recap.turn == step.turn.number and may_list_steps(recap.text):
        return True
    summary = digest.summary
    if summary is not None and summary.turn == step.turn.number:
        return any(part.kind in ("pending", "next") for part in summary.parts)
    return digest.proposal is not None and digest.proposal.turn == step.turn.number


def wanted_files(view: ProjectView) -> tuple[FileQuery, ...]:
    """Returns the files whose current state the handoff would show, for the probe to read."""
    elsewhere = {session.session for session in view.sessions if session.where}
    turns = (turn for digest in view.digests for turn in digest.turns)
    committed_ms = max((turn.committed_ms for turn in turns), default=0)
    edited = [
        FileQuery(
            path=path,
            line=file.line,
            anchor=file.anchor,
            edited_ms=file.at_ms if file.change != "add" and file.at_ms > committed_ms else 0,
        )
        for path, file in newest_edits(view, outside=False)  # no file of another project is ever read
        if file.session not in elsewhere
    ]
    known = {query.path for query in edited}
    documents = state_files.documents_of(view, outside=False).items()
    read = (path for path, visits in documents if path not in known and visits[-1][1].session not in elsewhere)
    return (*edited, *(FileQuery(path=path) for path in read))
