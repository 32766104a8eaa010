"""Which folders a conversation in the editor belongs to; one that lies in several of Cursor's stores counts once."""

from __future__ import annotations

import itertools
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.cursor import chats
from agents.cursor.contract_case import record
from agents.cursor.reading import Editor
from agents.cursor.stores import ONE, PROJECT, START_MS, Chat, EditorStore, edit, identifier, say, shell, tool, user
from carryover.adapter.contract import Record, Source
from carryover.agents.cursor.adapter import AGENT
from carryover.agents.cursor.folders import folder_with
from carryover.model import Skipped
from carryover.transcript.sources import sources_of
from support.shop_in_ledger import counted

REMOTE = {"scheme": "vscode-remote", "path": "/srv/demo", "external": "vscode-remote://ssh-remote%2Bbox/srv/demo"}


def placed(store: EditorStore, identifier: Any, *bubbles: Any) -> set[str | None]:
    """The working folders of a conversation's events."""
    window = {"workspaceIdentifier": identifier}
    store.put(Chat(name="placed", bubbles=bubbles or (user("Go."),), folder=None, more=window))
    editor = Editor(store)
    editor.read()
    return {event.cwd for event in editor.standing}


@pytest.mark.parametrize(
    ("uri", "cwd"),
    [
        ({"fsPath": "/home/dev/a b"}, "/home/dev/a b"),
        ({"external": "file:///home/dev/a%20b%25"}, "/home/dev/a b%"),
        ({"fsPath": "relative"}, None),
        ({"fsPath": 5}, None),
        ("noise", None),
    ],
)
def test_the_conversation_names_its_folder(store: EditorStore, uri: Any, cwd: str | None) -> None:
    assert placed(store, {"id": "x", "uri": uri}) == {cwd}


def test_the_list_names_the_window_where_the_conversation_does_not(store: EditorStore) -> None:
    lost, named = {"workspaceIdentifier": {"id": "gone"}}, {"workspaceIdentifier": identifier(PROJECT)}
    store.put(Chat(name="listed", bubbles=(user("Go."),), folder=None, more=lost, head=named))

    assert {event.cwd for event in Editor(store).read()} == {PROJECT}


def test_a_conversation_in_a_remote_window_is_passed_by_and_counted_once(store: EditorStore) -> None:
    by_storage = {"id": store.workspace("/x", folder=REMOTE["external"]).name}
    for number, place in enumerate(({"uri": REMOTE}, {"configPath": REMOTE}, by_storage)):
        chat = Chat(name=f"remote {number}", bubbles=(user("Go."),), folder=None, more={"workspaceIdentifier": place})
        store.put(chat)
        editor = Editor(store)
        assert [event for event in editor.read() if event.session == chat.id] == []
        assert editor.skipped == [Skipped("conversation", "remote workspace")] * (number + 1)


def listing(tmp_path: Path, text: str) -> dict[str, Any]:
    """The identifier of a window with several folders."""
    path = tmp_path / "work" / "all of it.code-workspace"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return {"id": "x", "configPath": {"fsPath": str(path), "scheme": "file"}}


LISTED = """{
  // the folders
  "folders": [{"path": "../two"}, {"path": "one"}, {"uri": "file:///srv/thr%65e"}, {"name": "no path"}, 5,],
  "settings": {"a": "// no comment"} /* the end */
}"""


@pytest.mark.parametrize(
    ("bubbles", "where"),
    [
        ((user("Go."), say("Done.")), "work/one"),
        ((user("Go."), edit("two/src/a.py"), edit("one/b.py")), "two"),
        ((user("Go."), tool("read_file", {"target_file": "/srv/three/a.py"}, {})), "/srv/three"),
        ((user("Go."), edit("elsewhere/a.py")), "work/one"),
    ],
)
def test_of_several_folders_the_first_touched_file_decides(
    store: EditorStore, tmp_path: Path, bubbles: Any, where: str
) -> None:
    found = placed(store, listing(tmp_path, LISTED), *bubbles) - {None}

    assert found == {where if where.startswith("/") else str(tmp_path / where)}


def test_a_conversation_that_an_earlier_version_read_keeps_its_folder() -> None:
    known = {ONE.id: {"last": "bGFzdA==", "last_ms": START_MS, "marks": {"info": 1}, "folder": "/srv/two"}}
    context = msgspec.json.decode(json.dumps({"told": known}), type=AGENT.context_type)
    line = record("message", id="b1", type=2, bubble={"text": "Done."}, session={"folders": ["/srv/one", "/srv/two"]})

    _, parsed = AGENT.parse(Source(agent="cursor", path="/User/state.vscdb"), context, Record(1, line))

    assert [event.cwd for event in parsed.events] == ["/srv/two"]


@pytest.mark.parametrize(
    ("slug", "path", "folder"),
    [
        ("home-dev-demo", "/home/dev/demo/src/a.py", "/home/dev/demo"),
        ("home-dev-demo-v1-2", "/home/dev/demo.v1.2/a.py", "/home/dev/demo.v1.2"),
        ("home-dev-my-demo", "/home/dev/my_demo/a.py", "/home/dev/my_demo"),
        ("home-dev--x", "/home/dev/.x/a.py", "/home/dev/.x"),
        ("home-dev-demo", "/home/dev/other/a.py", None),
        ("home-dev-demo", "/home/dev/x/../demo/a.py", None),
        ("empty-window", "/home/dev/demo/a.py", None),
    ],
)
def test_only_a_folder_that_was_mentioned_is_believed(slug: str, path: str, folder: str | None) -> None:
    assert folder_with(slug, path) == folder


EDITED = Chat(
    name="one",
    bubbles=(user("The add function is wrong."), edit("src/calc.py"), shell("make test", "ok\n"), say("It is fixed.")),
)
SAID = (chats.Step("user", EDITED.bubbles[0]["text"]), chats.Step("say", "It is fixed."))


async def test_it_counts_once_in_any_order(tmp_path: Path) -> None:
    with closing(EditorStore(tmp_path / "User")) as store:
        store.put(EDITED)
    with closing(chats.ChatStore(tmp_path / "chats" / "1f" / EDITED.id, agentId=EDITED.id)) as other:
        other.save(chats.messages(SAID))
    transcript = tmp_path / "projects" / chats.SLUG / "agent-transcripts" / EDITED.id / f"{EDITED.id}.jsonl"
    transcript.parent.mkdir(parents=True)
    transcript.write_bytes(chats.jsonl(chats.lines(SAID)))
    roots = (store.path.parent, tmp_path / "chats", tmp_path / "projects")
    found = [source for root in roots for source in sources_of(AGENT, root)]
    assert len(found) == 3
    best = [event.body for event in await counted(AGENT, tmp_path / "best.sqlite", found[:1], EDITED.id)]
    assert len(best) == 7

    for number, order in enumerate(itertools.permutations(found)):
        events = await counted(AGENT, tmp_path / f"{number}.sqlite", order, EDITED.id)
        assert [event.body for event in events] == best
