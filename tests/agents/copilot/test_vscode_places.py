"""Where chats of VS Code are, and what there is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.copilot.chats import ONE, Window, append, log_of, uid
from carryover.adapter.contract import Source
from carryover.agents.copilot import locate
from carryover.agents.copilot.adapter import AGENT

ID = uid("one")
USERS = (
    ".config/Code/User",
    ".config/Code - Insiders/User",
    "Library/Application Support/Code/User",
)


@pytest.mark.parametrize("user", USERS)
def test_chats_of_each_editor_are_found(tmp_path: Path, user: str) -> None:
    path = Window(tmp_path / user).store(ONE)
    if "-server" not in user:
        append(tmp_path / user / "globalStorage" / "emptyWindowChatSessions" / f"{ID}.jsonl", log_of(ONE))

    found = [source for root in AGENT.roots(tmp_path, {}) for source in AGENT.sources(root)]

    assert str(path) in [source.path for source in found]
    assert {source.session for source in found} == {ID}
    assert [source.rank for source in found] == ([7] if "-server" in user else [7, 5])


@pytest.mark.parametrize(
    ("below", "kind", "rank"),
    [
        (f"a1/chatSessions/{ID}.jsonl", "chat", 7),
        (f"a1/chatSessions/{ID}.json", "chat", 6),
    ],
)
def test_a_source_is_known_by_its_place(tmp_path: Path, below: str, kind: str, rank: int) -> None:
    root = tmp_path / "workspaceStorage"
    path = root / below

    assert locate.kind_of(path) == kind
    assert AGENT.source_of(path, root) == Source(
        agent=AGENT.id, path=str(path), session=ID, group=below.partition("/")[0], rank=rank
    )
