"""Two machines without a store between them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.machines import Two, machines


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    async with machines(tmp_path, "laptop", "desktop") as found:
        yield found["laptop"], found["desktop"]
