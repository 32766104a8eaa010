"""What tests of chats in VS Code share."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.copilot.chats import Window


@pytest.fixture
def window(tmp_path: Path) -> Window:
    return Window(tmp_path / "User")
