"""Scribe's material for the contract suite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from contract.case import Capabilities, Case, Payload, Recording

TALKS: Final = Path(__file__).parent / "fixtures" / "1.4" / "talks"
TALK: Final = "/home/dev/.scribe/talks/t1.talk"


def line(**fields: object) -> bytes:
    return json.dumps({"id": "z1", "at": 1_795_000_009_000, "in": "/home/dev/shop", **fields}).encode()


def payload(event: str, **fields: object) -> Payload:
    return Payload(event, json.dumps({"quill": "t1", "in": "/home/dev/shop", "talk": TALK, **fields}).encode())


CASE: Final = Case(
    recordings=(Recording(TALKS / "t1.talk", TALKS),),
    forms=("[the writer put down the pen]",),
    # Nothing but the output of commands is kept.
    places=1,
    unknown=(line(dreamt="of ink"), b'{"kind": "brand new"}'),
    quiet=(line(pen="red"),),
    not_typed=(line(it="An answer."), line(ran="ls", printed="cart.py\n", code=0)),
    strangers=("t1.talk.bak", "notes.md", "old/t1.talk"),
    payloads=(payload("Awake"), payload("Awake", again=True), payload("Rest", said="The discount works.")),
    foreign=(Payload("Awake", b'{"session_id": "s1", "cwd": "/home/dev/shop"}'),),
)

CAPABILITIES: Final = Capabilities(
    reads="talks", shows=frozenset({"limit", "resume", "tests"}), synthetic="written for tests, as there is no Scribe"
)
