from __future__ import annotations

from pathlib import Path

import pytest

from carryover.errors import ExitCode
from support.claude_session import ClaudeSession
from support.recorded_shop import DISCOUNT, Run


@pytest.mark.parametrize("where", ["recorded", "shop"], ids=["from the ledger", "straight from disk"])
def test_a_session_is_printed_as_markdown(where: str, run: Run, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(where)

    code, out, err = run("export", "--session", DISCOUNT)

    assert (code, err) == (ExitCode.OK, "")
    assert out.startswith("# Add a discount function to cart.py and test it.\n\n- Agent: `Claude Code 2.1.328`\n")
    assert "\nAdd a discount function to cart.py and test it.\n" in out
    assert "· `Edited cart.py +4 -0`" in out
    assert "AssertionError: 190 != 180" in out


@pytest.mark.parametrize("form", ["html", "md"])
def test_an_export_says_what_was_done_about_secrets_and_not_that_there_are_none(
    form: str, shop: Path, home: Path, run: Run
) -> None:
    session = ClaudeSession(home / ".claude" / "projects", shop)
    session.prompt("The wifi password is correcthorse, the key AKIAQ7ZT4WOCM3LDUV5X.")

    _, out, _ = run("export", "--session", session.session, "--format", form)

    assert ("correcthorse" in out, "AKIAQ7ZT4WOCM3LDUV5X" in out) == (True, False)
    assert "without secrets" not in out
    assert "read it before you share it" in out
