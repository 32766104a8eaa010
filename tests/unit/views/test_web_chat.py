from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from carryover.agents import agent_ids
from carryover.ledger.connect import connect_read_only
from carryover.views.web_chat import GENERIC, gathered, web_chats
from support.claude_session import ClaudeSession
from support.clock import LATER_MS
from support.repository import git
from support.shop_in_ledger import ReadIn

PROMPT = "Add a discount to cart.py. Never round before the end, because cents get lost."


def test_every_chat_has_a_budget_and_none_is_an_agent() -> None:
    chats = web_chats()

    assert {"chatgpt", "gemini", "claude-web", GENERIC.id} == set(chats)
    assert all(chat.budget >= GENERIC.budget and chat.tokens_percent >= 100 for chat in chats.values())
    assert not set(chats) & set(agent_ids())


def test_what_is_recorded_and_what_is_on_disk_come_together(
    session: ClaudeSession, shop: Path, read_in: ReadIn, ledger_path: Path
) -> None:
    session.prompt(PROMPT)
    session.answer("`discount` is in cart.py. Next I will wire it into checkout.")
    project_id = read_in(session)
    (shop / "cart.py").write_text("total = 1\n")
    (shop / "README.md").write_text("# shop\n\nSells bread.\n")
    (shop / "AGENTS.md").write_text("Be brief.\n")
    (shop / ".carryover").mkdir()
    (shop / ".carryover" / "handoff.md").write_text("x")

    with closing(connect_read_only(ledger_path)) as db:
        found = gathered(str(shop), now_ms=LATER_MS, ledger=(db, project_id))

    assert (found.name, found.about) == ("shop", "Sells bread.")
    assert found.paths == ("AGENTS.md", "README.md", "cart.py")
    assert PROMPT in [said.text for said in found.said]
    assert found.last_answer is not None
    assert found.last_answer.text.startswith("`discount` is in cart.py")
    assert [(change.path, "+total = 1" in change.diff) for change in found.changes] == [("cart.py", True)]
    assert [file.path for file in found.guidance] == ["AGENTS.md"]
    assert [(file.path, file.changed) for file in found.files] == [("cart.py", True), ("README.md", True)]
    assert found.git is not None
    assert found.handoff is not None


def test_the_diff_of_a_file_made_for_secrets_is_not_read(shop: Path) -> None:
    (shop / "prod.env").write_text("KEY=abc\n")
    git(shop, "add", "prod.env")
    git(shop, "commit", "--quiet", "--message", "keys")
    (shop / "prod.env").write_text("KEY=def\n")
    (shop / ".env").write_text("KEY=abc\n")

    found = gathered(str(shop), now_ms=LATER_MS)

    assert [(left.what, left.why) for left in found.left_out] == [
        (".env", "its name says that it holds secrets"),
        ("prod.env", "its name says that it holds secrets"),
    ]
    assert [(change.path, change.diff) for change in found.changes] == [("prod.env", "")]
    assert "KEY=" not in repr(found)


@pytest.mark.parametrize("name", ["gone", "empty"])
def test_a_folder_that_is_gone_or_empty_holds_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    found = gathered(str(tmp_path / name), now_ms=LATER_MS)

    assert (found.paths, found.files, found.changes, found.handoff, found.git) == ((), (), (), None, None)
