"""A daemon without a job, run as a program: an event loop, a server on a Unix socket, a database, a watched folder."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import aiosqlite
from aiohttp import web
from watchfiles import awatch


async def run(folder: Path, socket_path: Path) -> None:
    """Serve nothing, hold a database open and watch `folder`, until killed."""
    folder.mkdir(parents=True, exist_ok=True)
    runner = web.AppRunner(web.Application())
    await runner.setup()
    async with aiosqlite.connect(folder.parent / "bare.sqlite") as db:
        await db.execute("PRAGMA journal_mode = WAL")
        await web.UnixSite(runner, str(socket_path)).start()
        async for _ in awatch(folder):
            pass


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), Path(sys.argv[2])))
