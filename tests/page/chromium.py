"""Drives a headless Chromium by its debugging protocol."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

from page.browser import Page
from support.daemon_process import wait_until

CHROMIUM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_FLAGS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
    *("--remote-debugging-port=0", "--force-color-profile=srgb", "--hide-scrollbars"),
    # All pages are ours and come one after the other: none needs a process of its own.
    *("--disable-site-isolation-trials", "--renderer-process-limit=1"),
    "--disable-features=SpareRendererForSitePerProcess,ProactivelySwapBrowsingInstance,RenderDocument",
)
_CODES: Final = {"Enter": 13, "Tab": 9, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
_TEXTS: Final = {**dict.fromkeys(_CODES, ""), "Enter": "\r"}
_TROUBLES: Final = ("Runtime.exceptionThrown", "Page.javascriptDialogOpening", "Log.entryAdded")


class ChromiumPage(Page):
    """A tab of Chromium."""

    def is_trouble(self, event: dict[str, Any]) -> bool:
        return event.get("method") in _TROUBLES and event["params"].get("entry", {}).get("level") != "info"

    async def load(self, address: str) -> None:
        await self.call("Page.navigate", url=address)

    async def do(self, script: str) -> Any:
        said = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    async def press(self, *keys: str, shift: bool = False, alt: bool = False) -> None:
        for key in keys:
            code = _CODES.get(key) or ord(key.upper())
            common = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": 8 * shift + alt}
            await self.call("Input.dispatchKeyEvent", type="keyDown", text=_TEXTS.get(key, key), **common)
            await self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    async def show_as(self, *, width: int, dark: bool = False, height: int = 900) -> None:
        size = {"width": width, "height": height}
        await self.call("Emulation.setDeviceMetricsOverride", **size, deviceScaleFactor=1, mobile=False)
        # Colours that are still changing when they are measured would be neither of two.
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme, still])


@asynccontextmanager
async def chromium(profile: Path) -> AsyncIterator[ChromiumPage]:
    """Starts a browser with a profile in `profile`, and ends it."""
    assert CHROMIUM is not None
    program = await asyncio.create_subprocess_exec(
        CHROMIUM, *_FLAGS, f"--user-data-dir={profile}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, env={**os.environ, "HOME": str(profile)},
    )  # fmt: skip
    try:
        port = await asyncio.to_thread(wait_until, "Chromium", lambda: _port(profile / "DevToolsActivePort"))
        async with aiohttp.ClientSession() as session:
            tabs = await (await session.get(f"http://127.0.0.1:{port}/json")).json()
            address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
            async with session.ws_connect(address, max_msg_size=0) as socket:
                page = ChromiumPage(socket)
                listening = asyncio.ensure_future(page.listen())
                for domain in ("Page", "Runtime", "Log"):
                    await page.call(f"{domain}.enable")
                yield page
                listening.cancel()
    finally:
        program.kill()
        await program.wait()


def _port(file: Path) -> int | None:
    """The port that Chromium listens on, once it has written it into its profile."""
    return int(file.read_text().split()[0]) if file.exists() and file.read_text() else None
