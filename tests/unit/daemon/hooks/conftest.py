from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def shop(home: Path) -> Path:
    folder = home / "work" / "shop"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def blog(home: Path) -> Path:
    folder = home / "work" / "blog"
    folder.mkdir(parents=True)
    return folder
