from __future__ import annotations

from contextlib import closing
from pathlib import Path

from carryover.ledger.connect import connect_read_only
from carryover.views.web_chat import gathered
from support.claude_session import ClaudeSession
from support.clock import LATER_MS
from support.repository import git
from support.shop_in_ledger import ReadIn

PROMPT = "Add a discount to cart.py. Never round before the end, because cents get lost."


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
