"""Of what the agents left on disk, only what is asked about is read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from carryover.adapter.contract import Agent, Batch, FileStat, Reader, Source
from carryover.config import Config
from carryover.errors import UserError
from carryover.importing.declared import all_agents
from carryover.ingest.scan import FoundSource
from carryover.past.from_disk import chosen_sources, of_project, of_session, sources_on_disk, temporary_ledger
from carryover.probe.looks import Silent
from support.claude_session import ClaudeSession
from support.repository import repository


@pytest.fixture
def other(session: ClaudeSession, home: Path) -> ClaudeSession:
    """A session in another project, an hour later and twice as long, with a sub-agent's file."""
    root = repository(home / "work" / "bakery", {"bread.py": "rye = 0\n"})
    session.work()
    other = ClaudeSession(session.folder, root, now=session.now + timedelta(hours=1)).work().work()
    helper = other.path.with_suffix("") / "subagents" / "agent-a1.jsonl"
    helper.parent.mkdir(parents=True)
    helper.write_bytes(other.path.read_bytes())
    return other


def chosen(root: Path | None = None, session: str | None = None, **more: object) -> set[tuple[str | None, str | None]]:
    sources = chosen_sources(Config(), str(root) if root else None, session, **more)  # type: ignore[arg-type]
    return {(source.session, source.subagent_id) for source in sources}


def test_of_a_project_its_sessions_are_read_with_their_sub_agents(session: ClaudeSession, other: ClaudeSession) -> None:
    theirs = {(other.session, None), (other.session, "a1")}

    assert chosen() == {(session.session, None), *theirs}
    assert chosen(session.cwd) == {(session.session, None)}
    assert chosen(other.cwd) == theirs
    (inner := other.cwd / "lib").mkdir()
    assert (chosen(inner), chosen(inner, around=True)) == (set(), theirs)


def test_a_session_is_read_by_the_beginning_of_its_id(session: ClaudeSession, other: ClaudeSession) -> None:
    short = other.session[:8].upper()

    assert (
        chosen(session=f"claude-code:{short}")
        == chosen(session=short)
        == {(other.session, None), (other.session, "a1")}
    )
    assert chosen(session="no such") == set()


def test_of_the_newest_as_many_are_read_as_have_room_but_one_at_least(
    session: ClaudeSession, other: ClaudeSession
) -> None:
    items = sources_on_disk(Config())
    sizes = [item.size for item in items]

    assert [item.mtime_ns for item in items] == sorted(item.mtime_ns for item in items)
    newest = [item.source for item in items]
    assert chosen_sources(Config(), None, most_bytes=1) == newest[-1:]
    assert chosen_sources(Config(), None, most_bytes=sum(sizes[1:])) == newest[1:]
    assert chosen_sources(Config(), None, most_bytes=sum(sizes) - 1) == newest[1:]


def test_what_holds_many_sessions_is_read_whatever_is_asked_about_and_what_is_in_a_project_only_for_it() -> None:
    store = FoundSource(Source(agent="opencode", path="/store.db"), 1, 1)
    inside = FoundSource(Source(agent="aider", path="/shop/.aider.chat.history.md", session="s"), 1, 1, Path("/shop"))

    for roots, found in (({"/shop"}, [store, inside]), ({"/other"}, [store])):
        assert of_project([store, inside], roots, all_agents(Config().sources)) == [item.source for item in found]
    assert of_session([store, inside], "s") == [inside.source]
    assert of_session([store, inside], "walrus") == [store.source]


class Hanging:
    """A reader whose disk does not answer the first `times` that it is asked."""

    def __init__(self, reader: Reader, times: int) -> None:
        self.reader = reader
        self.times = times

    def stat(self, path: Path) -> FileStat:
        return self.reader.stat(path)

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        self.times -= 1
        if self.times >= 0:
            raise Silent(path.parent)
        return self.reader.read(path, cursor)


def read_from(session: ClaudeSession, times: int) -> int:
    """Returns how many events are read of a session whose disk does not answer the first `times`."""
    agent: Agent = all_agents(())["claude-code"]
    agents = {agent.id: replace(agent, reader=Hanging(agent.reader, times))}
    with temporary_ledger([Source(agent=agent.id, path=str(session.path))], agents) as ledger:
        [(count,)] = ledger.execute("SELECT count(*) FROM event")
    return int(count)


def test_a_disk_that_does_not_answer_for_a_moment_is_asked_again(session: ClaudeSession) -> None:
    session.work()

    assert read_from(session, 2) == read_from(session, 0) > 0


def test_a_file_on_a_silent_disk_is_not_taken_for_an_empty_one(session: ClaudeSession) -> None:
    session.work()

    with pytest.raises(UserError, match=r"disk of .* does not answer"):
        read_from(session, 100)
