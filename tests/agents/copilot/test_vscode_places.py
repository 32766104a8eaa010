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
    ".config/VSCodium/User",
    ".config/Code - OSS/User",
    "Library/Application Support/Code/User",
    "Library/Application Support/VSCodium/User",
    ".vscode-server/data/User",
    ".vscode-server-insiders/data/User",
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


def test_a_variable_moves_the_folders_of_linux(tmp_path: Path) -> None:
    path = Window(tmp_path / "moved" / "Code" / "User").store(ONE)

    roots = AGENT.roots(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path / "moved")})

    assert [source.path for root in roots for source in AGENT.sources(root)] == [str(path)]


@pytest.mark.parametrize(
    ("below", "kind", "rank"),
    [
        (f"a1/chatSessions/{ID}.jsonl", "chat", 7),
        (f"a1/chatSessions/{ID}.json", "chat", 6),
        (f"a1/GitHub.copilot-chat/transcripts/{ID}.jsonl", "chat_transcript", 1),
        (f"a1/github.copilot-chat/transcripts/{ID}.jsonl", "chat_transcript", 1),
    ],
)
def test_a_source_is_known_by_its_place(tmp_path: Path, below: str, kind: str, rank: int) -> None:
    root = tmp_path / "workspaceStorage"
    path = root / below

    assert locate.kind_of(path) == kind
    assert AGENT.source_of(path, root) == Source(
        agent=AGENT.id, path=str(path), session=ID, group=below.partition("/")[0], rank=rank
    )


def test_a_chat_below_another_root_is_no_source(tmp_path: Path) -> None:
    path = tmp_path / "workspaceStorage" / "a1" / "chatSessions" / f"{ID}.jsonl"

    assert AGENT.source_of(path, tmp_path) is None
    assert AGENT.source_of(path, path.parent) is None
    assert AGENT.source_of(path, tmp_path / "elsewhere" / "workspaceStorage") is None


def test_the_extension_shows_that_it_is_used(tmp_path: Path) -> None:
    folders = [place.at(tmp_path, {}) for place in AGENT.spec.folders]

    assert tmp_path / ".config/Code/User/globalStorage/github.copilot-chat" in folders
    assert tmp_path / ".config/Code/User" not in folders
