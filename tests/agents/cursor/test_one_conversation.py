"""One conversation that lies in several of Cursor's stores counts once, in whichever order they are read."""

from __future__ import annotations

import itertools
from contextlib import closing
from pathlib import Path

from agents.cursor import chats
from agents.cursor.stores import Chat, EditorStore, edit, say, shell, user
from carryover.agents.cursor.adapter import AGENT
from support.counted import counted

CHAT = Chat(
    name="one",
    bubbles=(user("The add function is wrong."), edit("src/calc.py"), shell("make test", "ok\n"), say("It is fixed.")),
)
STEPS = (chats.Step("user", CHAT.bubbles[0]["text"]), chats.Step("say", "It is fixed."))


async def test_it_counts_once_in_any_order(tmp_path: Path) -> None:
    with closing(EditorStore(tmp_path / "User")) as store:
        store.put(CHAT)
    with closing(chats.ChatStore(tmp_path / "chats" / "1f" / CHAT.id, agentId=CHAT.id)) as other:
        other.save(chats.messages(STEPS))
    transcript = tmp_path / "projects" / chats.SLUG / "agent-transcripts" / CHAT.id / f"{CHAT.id}.jsonl"
    transcript.parent.mkdir(parents=True)
    transcript.write_bytes(chats.jsonl(chats.lines(STEPS)))
    roots = (store.path.parent, tmp_path / "chats", tmp_path / "projects")
    found = [source for root in roots for source in AGENT.sources(root)]
    assert len(found) == 3
    best = [event.body for event in await counted(AGENT, tmp_path / "best.sqlite", found[:1], CHAT.id)]
    assert len(best) == 7

    for number, order in enumerate(itertools.permutations(found)):
        events = await counted(AGENT, tmp_path / f"{number}.sqlite", order, CHAT.id)
        assert [event.body for event in events] == best
