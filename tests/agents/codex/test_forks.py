"""A fork, and which session it belongs to: history that it copied into its own file is the other thread's."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from agents.codex.contract_case import THREAD, recording
from agents.codex.rollout import SHOP, Rollout
from carryover.agents.codex.adapter import AGENT
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import ingest
from carryover.ledger.connect import connect_read_only
from carryover.ledger.events import session_events
from carryover.ledger.queries import sessions
from carryover.ledger.store import Ledger
from carryover.model import UserPrompt, conversation_of
from contract.case import Recording, read_on, source_at
from support.clock import LATER_MS

PARENT = "01a1f792-0000-7000-8000-000000000001"
FORKED = recording("0.125.0/tui-turns-interrupt-compact")
FORK = recording("0.125.0/tui-fork-copied-history")
FORKED_ID = "01a1f7a2-d1ae-7d51-b726-fbba6e737a92"
FORK_ID = "01a1f7a3-6640-7180-b54f-8557136958f8"


async def prompts_in(path: Path, *recordings: Recording) -> dict[str, list[str]]:
    """The prompts that count, by session, in a ledger that read these files in this order."""
    ledger = await Ledger.open(path, DigestReducer())
    try:
        for one in recordings:
            source = source_at(AGENT, one)
            await ingest(ledger, AGENT, source, root_of=ProjectRoot, now_ms=lambda: LATER_MS)
    finally:
        await ledger.close()
    with closing(connect_read_only(path)) as db:
        rows = sessions(db, limit=10)
        stored = {row.native_id: [*session_events(db, row)] for row in rows}
    return {
        session: [e.body.text for e in events if isinstance(e.body, UserPrompt) and not e.retracted]
        for session, events in stored.items()
    }


async def test_history_that_a_fork_copied_counts_where_the_original_is_gone(tmp_path: Path) -> None:
    """As the other session's, at the times of its turns."""
    found = await prompts_in(tmp_path / "l", FORK)

    assert found == {FORKED_ID: ["FIRSTPROMPT go", "SLOWPROMPT go", "after compaction"], FORK_ID: ["in a fork"]}
    first = next(event for event in read_on(AGENT, source_at(AGENT, FORK)).events if isinstance(event.body, UserPrompt))
    assert first.at_ms == 1_795_156_008_000


@pytest.mark.parametrize("order", [(FORK, FORKED), (FORKED, FORK), (FORK, FORKED, FORK)])
async def test_copied_history_counts_once_in_whatever_order_the_files_are_read(
    tmp_path: Path, order: tuple[Recording, ...]
) -> None:
    found = await prompts_in(tmp_path / "l", *order)

    assert found == {FORKED_ID: ["FIRSTPROMPT go", "SLOWPROMPT go", "after compaction"], FORK_ID: ["in a fork"]}


def test_a_resume_that_began_a_new_file_has_the_former_session_in_it() -> None:
    """0.36, as read about: the second record is another thread's, turns have no ids, and no fork is named."""
    rollout = Rollout(family="legacy", version="0.36.0")
    rollout.record("session_meta", id=PARENT, timestamp="2026-11-20T05:00:00.000Z", cwd=SHOP, cli_version="0.36.0")
    rollout.asks("Said before.")
    rollout.record("turn_context", cwd=SHOP, model="gpt-5")
    rollout.lines += 600
    rollout.asks("Said now.")

    prompts = [event for event in rollout.events if isinstance(event.body, UserPrompt)]
    assert [(event.session, event.copied, event.body) for event in prompts] == [
        (PARENT, True, UserPrompt(text="Said before.")),
        (THREAD, False, UserPrompt(text="Said now.")),
    ]


def test_two_files_with_the_same_copy_have_the_same_keys() -> None:
    keys: list[list[str]] = []
    for version in ("0.36.0", "0.39.0"):
        rollout = Rollout(family="legacy", version=version)
        rollout.lines += 30 * len(keys)
        rollout.record("session_meta", id=PARENT, timestamp="2026-11-20T05:00:00.000Z", cwd=SHOP, cli_version="0.36.0")
        rollout.asks("Said before.")
        keys.append([event.key for event in rollout.events if event.copied])

    assert keys[0] == keys[1] != []


def test_a_side_chat_belongs_to_the_session_beside_which_it_is() -> None:
    """A question that is no part of the task (`/side`) must not stand as the newest task (a run of 0.171)."""
    aside = Rollout(
        thread_source="tui_side_chat", session_id=THREAD, forked_from_id=PARENT, forked_from_ordinal_exclusive=29
    )
    aside.turn()
    aside.asks("What is a bundle?", client_id="08ff359d-5305")

    (event,) = aside.events
    assert (conversation_of(event.session), event.subagent_id) == (PARENT, THREAD)
    assert event.body == UserPrompt(text="What is a bundle?", in_turn=True)


def test_a_history_in_a_history_without_end_is_read_to_its_end() -> None:
    rollout = Rollout(family="legacy")
    for number in range(2_000):
        rollout.lines = 1  # all were copied at once
        rollout.record("session_meta", id=f"{number:08x}-0000-7000-8000-000000000001", cwd=SHOP, timestamp=rollout.time)
    rollout.lines = 60
    rollout.turn()

    assert [body.text for body in rollout.asks("Go on.") if isinstance(body, UserPrompt)] == ["Go on."]
