"""Tells apart what several documents say of one session: SpecStory saves it again under another name after an update,
with other times and turns, or in parts, each with turns from 1."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent
from carryover.importing.candidate import OpenedDocument, with_events
from carryover.ledger.batch import event_key
from carryover.ledger.connect import reading
from carryover.ledger.events import stored_under
from carryover.ledger.queries import session_of
from carryover.model import AnyBody, Event, UserPrompt
from carryover.redact import clean
from carryover.transcript.bounds import read_bounded

_COMPARED_CHARS: Final = 200
_MINUTE_MS: Final = 60_000


def agent_of_part(document: OpenedDocument, ledger: Path) -> Agent:
    """Returns the agent that reads the document. If another document of the session was read first, this agent leaves
    out the turns that one had, and gives its events keys of their own. Blocking. Raises OSError."""
    agent = document.agent
    events = list(_events(document))
    prompts = [event for event in events if isinstance(event.body, UserPrompt) and event.subagent_id is None]
    if not prompts:
        return agent
    mark = f"@{prompts[0].at_ms}"
    with reading(ledger) as db:
        session = session_of(db, agent.spec.id, prompts[0].session)
        stored = {event.key: stored_under(db, event_key(agent.spec.id, event.key)) for event in events}
        marked = ((event.at_ms, event_key(agent.spec.id, event.key + mark)) for event in events)
        own_ms = [at_ms for at_ms, key in marked if stored_under(db, key) is not None]
    # The first prompts may be forgotten, or may have been none to an older version.
    earlier = next(((prompt, *one) for prompt in prompts if (one := stored[prompt.key]) is not None), None)
    if session is None or (earlier is None and not own_ms):
        return agent
    known_ms = 0
    if earlier is not None:
        first, stored_ms, _ = earlier
        is_near = abs(stored_ms - first.at_ms) < _MINUTE_MS
        # In one document, too, times can differ: those that lay in the future were corrected. And an older version
        # took the parts of a session for one document. Two parts may begin with the same words.
        is_same = all(_words(one[1]) == _words(prompt.body) for prompt in prompts if (one := stored[prompt.key]))
        is_same = is_same or any(one[0] == event.at_ms for event in events if (one := stored[event.key]) is not None)
        if stored_ms == first.at_ms or (not is_near and not own_ms and is_same):
            return agent
        # The same turns once more, perhaps with times to the minute; or else the next part of the session.
        known_ms = min(own_ms, default=session.last_ms + _MINUTE_MS) if is_near else 0

    def own(event: Event) -> Event | None:
        return msgspec.structs.replace(event, key=event.key + mark) if event.at_ms >= known_ms else None

    return with_events(agent, own)


def _events(document: OpenedDocument) -> Iterator[Event]:
    agent, source = document.agent, document.source
    context, cursor, more = agent.context_type(), None, True
    while more:
        batch = read_bounded(agent.reader, Path(source.path), cursor)
        cursor, more = batch.cursor, batch.more
        for record in batch.records:
            context, parsed = agent.parse(source, context, record)
            yield from parsed.events


def _words(body: AnyBody | None) -> str:
    return clean(body.text)[:_COMPARED_CHARS].strip() if isinstance(body, UserPrompt) else ""
