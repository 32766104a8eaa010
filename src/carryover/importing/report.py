"""What a file holds, as one adapter reads it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec

from carryover.facts import FindRoot, ProjectRoot
from carryover.importing.candidate import OpenedDocument, read_whole
from carryover.model import AssistantMessage, Event, FileEdit, ToolCall, ToolResult, UserPrompt
from carryover.transcript.jsonl import JsonlReader


class Report(msgspec.Struct, kw_only=True):
    """What is in a file, and what an import did with it. Times are UTC ms, None without one.

    report = survey_document(open_document(Candidate(path)))
    print(report.prompts, report.calls["shell"], report.unknown)
    """

    file: str = ""
    agent: str = ""
    form: str = ""
    sessions: list[str] = []
    folders: list[str] = []
    """All working folders, in the order in which they are named."""
    projects: list[str] = []
    """The roots of the projects that the sessions begin in."""
    events: int = 0
    prompts: int = 0
    """Those that people typed."""
    answers: int = 0
    calls: dict[str, int] = {}
    """Numbers of tool calls by operation."""
    results: int = 0
    edits: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    timeless: int = 0
    """How many events have no time."""
    unnamed: int = 0
    """How many calls name no tool."""
    records: int = 0
    unknown: dict[str, int] = {}
    """Numbers of the records that were not understood, by type."""
    skipped: int = 0
    oversized: int = 0
    torn: bool = False
    """Whether the last line is incomplete."""
    in_folder: bool = False
    """Whether only its folder was named."""
    new_events: int | None = None
    """Number of events added to the ledger; None if nothing was stored."""
    forgotten: int = 0
    """Number of events left out because the user had them forgotten, until `forgotten_ms`."""
    forgotten_ms: int | None = None
    problem: str | None = None
    """Why it was not imported, or not to its end, as a sentence; what was read before the problem is kept."""
    misdeclared: list[str] = []
    """What keeps a declared source from being recorded as it should be, as sentences."""

    def add(self, event: Event) -> None:
        """Counts an event."""
        self.events += 1
        self.timeless += event.at_ms <= 0
        if event.at_ms > 0:
            self.first_ms = min(self.first_ms or event.at_ms, event.at_ms)
            self.last_ms = max(self.last_ms or event.at_ms, event.at_ms)
        match event.body:
            case UserPrompt() as prompt:
                self.prompts += prompt.actor == "human"
            case AssistantMessage():
                self.answers += 1
            case ToolCall() as call:
                self.calls[call.op] = self.calls.get(call.op, 0) + 1
                self.unnamed += call.name == "?"
            case ToolResult():
                self.results += 1
            case FileEdit():
                self.edits += 1


def survey_document(document: OpenedDocument, root_of: FindRoot = ProjectRoot) -> Report:
    """Reads the whole document. Blocking. Raises OSError or ValueError if it can't be read."""
    agent, path, cursor = document.agent, Path(document.source.path), None
    found = Report(file=str(path), agent=agent.id, form=document.form)
    first_folder: dict[str, str | None] = {}
    folders: dict[str, None] = {}
    unknown = Counter[str]()
    for batch, parsed_records in read_whole(document):
        for record, parsed in zip(batch.records, parsed_records, strict=True):
            found.records += record.number > 0  # a reader's own record before those of the file is number 0
            found.skipped += len(parsed.skipped)
            if parsed.skipped and not parsed.events and record.number > 0:
                unknown[parsed.skipped[0].record_type] += 1
            for event in parsed.events:
                found.add(event)
                first_folder[event.session] = first_folder.get(event.session) or event.cwd
                folders |= {event.cwd: None} if event.cwd is not None else {}
        found.oversized += batch.oversized
        cursor = batch.cursor
    if isinstance(agent.reader, JsonlReader) and cursor is not None:
        found.torn = agent.reader.resumes_at(cursor) < agent.reader.stat(path).size
    found.unknown, found.sessions, found.folders = dict(unknown), [*first_folder], [*folders]
    roots = (root_of(folder).root for folder in first_folder.values() if folder is not None)
    found.projects = [*dict.fromkeys(roots)]
    return found
