"""What the agent's own transcript says of a run, as Carryover's adapters read it: what it was given and took."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from carryover.adapter.contract import Agent, Parsed, Source
from carryover.agents import adapters
from carryover.config import Config
from carryover.ingest.scan import find_sources, roots_in_projects, roots_to_read
from carryover.model import TokensUsed, ToolCall, UserPrompt


@dataclass(frozen=True, slots=True)
class Seen:
    """What is recorded of all sessions of a run; `tokens` is None if the agent records none."""

    prompts: tuple[str, ...]
    calls: tuple[str, ...]
    """What each call was about: a command, a path, a pattern."""
    tokens: int | None

    def was_given(self, text: str) -> bool:
        """Whether one prompt holds all of `text`, however its lines were joined."""
        wanted = _folded(text)
        return any(wanted in _folded(prompt) for prompt in self.prompts)

    def calls_naming(self, *names: str) -> int:
        """Returns how many calls have one of the names in what they are about."""
        return sum(any(name.lower() in call.lower() for name in names) for call in self.calls)


def seen(home: Path, project: Path) -> Seen | None:
    """Returns what agents recorded below `home` and in `project`; None if there is no transcript that can be read."""
    agents = adapters()
    roots = (*roots_to_read(agents.values(), Config(), home, {}), *roots_in_projects(agents.values(), [project]))
    sources = {(found.source.agent, found.source.path): found.source for found in find_sources(agents, roots)}
    records = [parsed for source in sources.values() for parsed in _parsed(agents[source.agent], source)]
    events = {event.key: event for parsed in records for event in parsed.events}
    if not events:
        return None
    bodies = [event.body for event in events.values()]
    prompts = tuple(body.typed for body in bodies if isinstance(body, UserPrompt))
    calls = tuple(body.subject for body in bodies if isinstance(body, ToolCall) and body.actor == "model")
    return Seen(prompts, calls, _tokens(used for parsed in records for used in parsed.tokens))


def _parsed(agent: Agent, source: Source) -> Iterator[Parsed]:
    context = agent.context_type()
    cursor: bytes | None = None
    more = True
    while more:
        batch = agent.reader.read(Path(source.path), cursor)
        for record in batch.records:
            context, parsed = agent.parse(source, context, record)
            yield parsed
        more = batch.more and batch.cursor != cursor
        cursor = batch.cursor


def _tokens(used: Iterator[TokensUsed]) -> int | None:
    """Adds up each answer once, by the record with the most output: others were written while it was coming."""
    answers: dict[str, TokensUsed] = {}
    for each in used:
        if each.key not in answers or each.output > answers[each.key].output:
            answers[each.key] = each
    if not answers:
        return None
    return sum(each.input + each.output + each.cache_read + each.cache_write for each in answers.values())


def _folded(text: str) -> str:
    return " ".join(text.split())
