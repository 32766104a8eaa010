"""What an event is known by: cut, edited and continued histories hide nothing, and an upgrade doubles nothing."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.aider.chats import HEAD, answer, of, prompt, reading
from agents.aider.contract_case import HISTORY, recording
from agents.aider.test_commands import APPLIED, BLOCK
from agents.aider.test_history import continued
from carryover.adapter.contract import Agent, Batch, FileStat, Parsed, Record, Source
from carryover.agents.aider.adapter import AGENT
from carryover.agents.aider.history import State
from carryover.agents.aider.wire import MAX_INPUTS
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import ingest
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import session_events, sessions
from carryover.ledger.store import Ledger
from carryover.model import AnyBody, FileEdit, UserPrompt
from contract.case import Reading

TURNS = [f"{prompt(f'Do {name}')}{answer(f'{name} is done.{chr(10)}{BLOCK}')}{APPLIED}" for name in "ABC"]
NEXT = f"{prompt('Do D')}{answer(f'D is done.{chr(10)}{BLOCK}')}{APPLIED}"


def added(before: Reading, after: Reading) -> list[AnyBody]:
    known = {event.key for event in before.events}
    return [event.body for event in after.events if event.key not in known]


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_history_that_was_cut_and_continues_shows_all_that_is_new_and_nothing_twice(
    tmp_path: Path, gone: int
) -> None:
    before = reading(tmp_path, HEAD + "".join(TURNS))
    left = [turn for number, turn in enumerate(TURNS) if number != gone]
    (tmp_path / HISTORY).write_text(HEAD + "".join(left) + NEXT)

    new = added(before, continued(tmp_path))

    assert [body.text for body in new if isinstance(body, UserPrompt)] == ["Do D"]
    assert sum(isinstance(body, FileEdit) for body in new) == 1


def test_a_prompt_that_is_given_again_counts_again(tmp_path: Path) -> None:
    chat = HEAD + (prompt("go on") + answer("Done.")) * 3

    assert len({event.key for event in reading(tmp_path, chat).events}) == len(reading(tmp_path, chat).events)
    assert len(of(reading(tmp_path, chat).events, UserPrompt)) == 3


def test_more_prompts_than_are_counted_still_count_each(tmp_path: Path) -> None:
    texts = [f"Do {number}" for number in range(MAX_INPUTS + 5)] + ["Do last"] * 3
    events = reading(tmp_path, HEAD + "".join(map(prompt, texts))).events

    assert len({event.key for event in events if isinstance(event.body, UserPrompt)}) == len(texts)


class FormerReader:
    """Reads as before the keys changed."""

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        batch = AGENT.reader.read(path, cursor)
        state = msgspec.msgpack.decode(batch.cursor, type=State)
        return msgspec.structs.replace(batch, cursor=msgspec.msgpack.encode(msgspec.structs.replace(state, keys=0)))

    def stat(self, path: Path) -> FileStat:
        return AGENT.reader.stat(path)


def _parse_as_before(source: Source, context: Any, record: Record) -> tuple[Any, Parsed]:
    context, parsed = AGENT.parse(source, context, record)
    events = [
        msgspec.structs.replace(event, key=event.former_key, former_key=None)
        for event in parsed.events
        if event.former_key is not None
    ]
    return context, Parsed(tuple(events), parsed.skipped)


FORMER: Agent = replace(AGENT, reader=FormerReader(), parse=_parse_as_before)


async def read_into(ledger: Ledger, agent: Agent, root: Path) -> int:
    [source] = AGENT.sources(root)
    found = await ingest(
        ledger, agent, source, root_of=lambda _: ProjectRoot(str(root)), now_ms=lambda: 1_800_000_000_000
    )
    assert found.error is None
    return found.new_events


def stored(state: Path) -> list[AnyBody]:
    with closing(connect_read_only(state)) as db:
        found = [event for session in sessions(db, limit=50) for event in session_events(db, session)]
    return [event.body for event in found if not event.retracted]


@pytest.mark.parametrize("name", ["story", "failededit", "resume", "noncoding"])
async def test_what_an_earlier_version_recorded_counts_once_after_an_upgrade(name: str, tmp_path: Path) -> None:
    """Also after the history was cut, and when its position was given up."""
    root, state = tmp_path / "shop", tmp_path / "ledger.sqlite"
    shutil.copytree(recording(name).root, root)
    ledger = await Ledger.open(state, DigestReducer())
    try:
        assert await read_into(ledger, FORMER, root) > 0
        before = stored(state)
        assert await read_into(ledger, AGENT, root) == 0
        assert stored(state) == before

        chat = (root / HISTORY).read_text()
        (root / HISTORY).write_text(f"{chat}{prompt('One more thing')}")
        new = await read_into(ledger, AGENT, root)
        (root / HISTORY).write_text(f"\n{chat}{prompt('One more thing')}")
        assert await read_into(ledger, AGENT, root) == 0
    finally:
        await ledger.close()
    after = stored(state)
    assert len(after) == len(before) + new
    assert UserPrompt(text="One more thing") in [body for body in after if body not in before]
    assert new <= 2  # and a call that ends with it


async def test_a_session_of_before_the_upgrade_that_is_cut_after_it_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / HISTORY).write_text(HEAD + "".join(TURNS))
    state = tmp_path / "ledger.sqlite"
    ledger = await Ledger.open(state, DigestReducer())
    try:
        await read_into(ledger, FORMER, tmp_path)
        await read_into(ledger, AGENT, tmp_path)
        (tmp_path / HISTORY).write_text(HEAD + "".join(TURNS[1:]) + NEXT)
        await read_into(ledger, AGENT, tmp_path)
    finally:
        await ledger.close()

    assert [body.text for body in stored(state) if isinstance(body, UserPrompt)] == ["Do A", "Do B", "Do C", "Do D"]
    assert sum(isinstance(body, FileEdit) for body in stored(state)) == 4


async def test_a_cut_before_the_upgrade_hides_nothing_either(tmp_path: Path) -> None:
    """What stands under a former key is then something else."""
    (tmp_path / HISTORY).write_text(HEAD + "".join(TURNS))
    state = tmp_path / "ledger.sqlite"
    ledger = await Ledger.open(state, DigestReducer())
    try:
        await read_into(ledger, FORMER, tmp_path)
        (tmp_path / HISTORY).write_text(HEAD + "".join(TURNS[2:]) + NEXT)
        await read_into(ledger, AGENT, tmp_path)
    finally:
        await ledger.close()

    assert "Do D" in [body.text for body in stored(state) if isinstance(body, UserPrompt)]
