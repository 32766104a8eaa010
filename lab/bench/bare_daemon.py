"""A daemon without a job, run as a program: an event loop, a server on a Unix socket, a database, a watched folder."""

import asyncio
import sys
from pathlib import Path

import aiosqlite
from aiohttp import web
from watchfiles import awatch


async def answer(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(status=204)


async def run(folder: Path, socket_path: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    app = web.Application()
    app.router.add_post("/{any:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    async with aiosqlite.connect(folder.parent / "bare.sqlite") as db:
        await db.execute("PRAGMA journal_mode = WAL")
        await web.UnixSite(runner, str(socket_path)).start()
        async for _ in awatch(folder):
            pass


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), Path(sys.argv[2])))
