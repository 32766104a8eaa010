"""A chat's database, made up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.cursor.chats import ID, ChatStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ChatStore]:
    store = ChatStore(tmp_path / "chats" / "h" / ID)
    yield store
    store.close()
