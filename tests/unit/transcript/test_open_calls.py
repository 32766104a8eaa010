from __future__ import annotations

from carryover.decoders import decoder_of
from carryover.model import FileEdit, SessionInfo
from carryover.transcript.recorder import SessionContext


def test_a_context_of_an_earlier_version_is_read_though_its_parts_name_no_kind() -> None:
    changes = '[{"path": "/home/dev/shop/cart.py", "change": "modify", "added": 2}]'
    call = f'{{"id": "c1", "name": "Edit", "op": "edit", "changes": {changes}}}'

    context = decoder_of(SessionContext).decode(f'{{"facts": {{"title": "Add a cart"}}, "calls": [{call}]}}')

    assert context.facts == SessionInfo(title="Add a cart")
    assert context.calls[0].changes == (FileEdit(path="/home/dev/shop/cart.py", change="modify", added=2),)
