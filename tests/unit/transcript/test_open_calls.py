from __future__ import annotations

from carryover.adapter.contract import ToolOutcome
from carryover.decoders import decoder_of
from carryover.model import FileEdit, SessionInfo
from carryover.transcript.open_calls import OpenCall, matters_where
from carryover.transcript.recorder import SessionContext


def test_a_context_of_an_earlier_version_is_read_though_its_parts_name_no_kind() -> None:
    changes = '[{"path": "/home/dev/shop/cart.py", "change": "modify", "added": 2}]'
    call = f'{{"id": "c1", "name": "Edit", "op": "edit", "changes": {changes}}}'

    context = decoder_of(SessionContext).decode(f'{{"facts": {{"title": "Add a cart"}}, "calls": [{call}]}}')

    assert context.facts == SessionInfo(title="Add a cart")
    assert context.calls[0].changes == (FileEdit(path="/home/dev/shop/cart.py", change="modify", added=2),)


def test_where_a_command_was_started_is_decided_by_what_is_recorded_of_it() -> None:
    script = "cat > run.sh <<'END'\n" + "echo done\n" * 200 + "END\n"
    steps = ["npm test", script, "echo all; " * 50]

    assert matters_where("\n".join(steps))
    assert matters_where("\n".join(steps[::-1]))
    assert not matters_where("\n".join((steps[1], steps[0], steps[2])))


def test_what_a_sub_agent_reports_stays_though_it_was_to_read_the_handoff() -> None:
    printed = "I added tax.\nI read .carryover/handoff.md first.\n"
    call = OpenCall("c1", "spawn_agent", "agent", "Read .carryover/handoff.md, then add tax.", handoff=True)

    assert call.ended(ToolOutcome("ok", printed)).output == "I added tax.\n"
