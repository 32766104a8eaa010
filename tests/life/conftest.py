"""A repository and a ledger that every story begins with a copy of."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from carryover.distill.stored_digest import DigestReducer
from carryover.ledger.store import Ledger
from life.player import FILES, run_git

BEGAN = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("life")
    asyncio.run(_empty_ledger(folder / "ledger.sqlite"))
    shop = folder / "shop"
    for name, text in FILES.items():
        (shop / name).parent.mkdir(parents=True, exist_ok=True)
        (shop / name).write_text(text)
    author = "-c user.name=Dev -c user.email=dev@example.invalid"
    for command in ("init --quiet --initial-branch=main", "add --all", f"{author} commit --quiet --message Shop"):
        run_git(command, shop, BEGAN)
    return folder


async def _empty_ledger(path: Path) -> None:
    await (await Ledger.open(path, DigestReducer())).close()
