"""What the tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.copilot.chats import Window
from agents.copilot.session import CopilotSession, begun


@pytest.fixture
def window(tmp_path: Path) -> Window:
    return Window(tmp_path / "User")


@pytest.fixture
def session(tmp_path: Path) -> CopilotSession:
    return begun(tmp_path)
