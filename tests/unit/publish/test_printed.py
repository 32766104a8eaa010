"""Whose handoff is printed."""

from __future__ import annotations

import pytest

from carryover.config import Config
from carryover.errors import ExitCode, UserError
from carryover.ledger.sessions import know_project
from carryover.model import AssistantMessage, FileEdit, UserPrompt
from carryover.publish.handoff_json import WantedHandoff
from carryover.publish.printed import hand_over
from support.scribe import Scribe


def lead(scribe: Scribe, session: str | None) -> str:
    made = hand_over(WantedHandoff(root="/repo", session=session), scribe.db, "/repo", Config(), now_ms=10_000)
    assert made is not None and made.handoff is not None
    return made.handoff.session


async def test_the_last_session_leads_where_it_is_asked_for(scribe: Scribe) -> None:
    await scribe.tell(
        scribe.event("add a parser", session="s1"),
        scribe.event(FileEdit(path="/repo/parser.py", change="add"), session="s1"),
        scribe.event(AssistantMessage(text="The parser is there."), session="s1"),
        scribe.event("thanks", session="s2"),
    )

    assert [lead(scribe, session) for session in (None, "last", "s1")] == ["s1", "s2", "s1"]


async def test_of_a_known_project_without_sessions_no_work_is_said_to_be_there(scribe: Scribe) -> None:
    """As of the former path of a folder that was moved."""
    await scribe.ledger.write(know_project, "/repo", None)

    assert hand_over(WantedHandoff(root="/repo"), scribe.db, "/repo", Config(), now_ms=10_000) is None


@pytest.mark.parametrize(
    ("session", "said"),
    [
        (None, "no session there has anything to hand over yet. `carryover sessions /repo` lists them."),
        ("s1", "Session s1 has nothing to hand over, or is too old for it. `carryover show s1` prints it."),
    ],
)
async def test_where_there_is_nothing_to_hand_over_it_is_said_what_to_look_at(
    scribe: Scribe, session: str | None, said: str
) -> None:
    await scribe.tell(scribe.event(UserPrompt(text="a reminder", actor="model")))

    with pytest.raises(UserError) as raised:
        lead(scribe, session)
    assert (str(raised.value).endswith(said), raised.value.code) == (True, ExitCode.NOTHING_FOUND)
