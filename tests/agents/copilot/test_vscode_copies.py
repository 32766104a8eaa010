"""A chat of VS Code that is in several places, forms or files counts once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from agents.copilot.chat_reading import ChatReading, counted, source_at
from agents.copilot.chats import (
    FIX,
    ONE,
    TWO,
    Window,
    chat,
    log_of,
    request,
)
from carryover.agents.copilot.adapter import AGENT
from carryover.model import UserPrompt


async def test_of_a_chat_in_both_forms_the_log_counts(window: Window, tmp_path: Path) -> None:
    old = chat("two", FIX)
    flat, log = source_at(window.store_flat(old)), source_at(window.store(TWO))
    alone = await counted(tmp_path / "alone.sqlite", [log], TWO["sessionId"])
    assert len(alone) > 8

    assert await counted(tmp_path / "a.sqlite", [flat, log, flat], TWO["sessionId"]) == alone
    assert await counted(tmp_path / "b.sqlite", [log, flat, log], TWO["sessionId"]) == alone


@pytest.mark.parametrize("newer_first", [True, False])
async def test_of_copies_in_two_windows_the_newer_one_counts(tmp_path: Path, *, newer_first: bool) -> None:
    """A window that becomes another copies its chats, and leaves the originals."""
    old, new = Window(tmp_path / "User", name="0" * 32), Window(tmp_path / "User", name="1" * 32)
    paths = old.store(chat("two", FIX)), new.store(TWO)
    for number, path in enumerate(paths):
        os.utime(path, ns=(10**18 + number, 10**18 + number))
    sources = [source_at(path) for path in paths]
    alone = await counted(tmp_path / "alone.sqlite", sources[1:], TWO["sessionId"])
    assert len(alone) == 18

    order = sources[::-1] if newer_first else sources
    assert await counted(tmp_path / "both.sqlite", order, TWO["sessionId"]) == alone

    # It is continued in the old window after all.
    old.store(chat("two", FIX, request("And now?", at_s=900)))
    os.utime(paths[0], ns=(2 * 10**18, 2 * 10**18))
    assert (await counted(tmp_path / "both.sqlite", sources, TWO["sessionId"]))[-1] == UserPrompt(text="And now?")


def test_an_export_is_recognised_and_read(tmp_path: Path) -> None:
    exported = {"responderUsername": "GitHub Copilot", "initialLocation": "panel", "requests": TWO["requests"]}
    path = tmp_path / "chat.json"
    path.write_text(json.dumps(exported, indent=2))
    assert AGENT.exported is not None
    source = AGENT.exported(path, path.read_bytes()[: 64 << 10])

    assert source is not None
    assert (source.agent, source.path) == (AGENT.id, str(path))
    reading = ChatReading(path)
    found = reading.read()
    assert len([event for event in found if isinstance(event.body, UserPrompt)]) == 2
    assert len({event.session for event in found}) == 1
    assert reading.skipped == []

    again = tmp_path / "again.json"
    again.write_text(json.dumps(exported | {"requests": TWO["requests"][:1]}))
    assert {event.session for event in ChatReading(again).read()} == {event.session for event in found}


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        (b'{"responderUsername": "GitHub Copilot", "initialLocation": "panel", "requests": [', True),
        (log_of(ONE), True),
        (b'{"requests": []}', False),
        (b'{"x": {"responderUsername": "", "requests": []}}', False),
        (b'{"type": "session.start", "data": {}}', False),
        (b"", False),
    ],
)
def test_only_a_chat_is_recognised(tmp_path: Path, head: bytes, *, is_one: bool) -> None:
    assert AGENT.exported is not None
    assert (AGENT.exported(tmp_path / "any.json", head) is not None) == is_one
