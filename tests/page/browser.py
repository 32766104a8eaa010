"""Drives a headless Chromium by its debugging protocol: what a user presses, and what the page shows then."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

from support.daemon_process import wait_until

CHROMIUM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_FLAGS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
    *("--remote-debugging-port=0", "--force-color-profile=srgb", "--hide-scrollbars"),
)
_CODES: Final = {"Enter": 13, "Tab": 9, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
_TEXTS: Final = {**dict.fromkeys(_CODES, ""), "Enter": "\r"}
_SHOWS_WITHIN_MS: Final = 8000
_TROUBLES: Final = ("Runtime.exceptionThrown", "Page.javascriptDialogOpening", "Log.entryAdded")


class Page:
    """A tab. `troubles` are what its console reported as errors, and dialogs that opened."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.troubles: list[str] = []
        self._socket = socket
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._next = 0

    async def listen(self) -> None:
        async for message in self._socket:
            data = json.loads(message.data)
            if (future := self._answers.pop(data.get("id"), None)) is not None:
                future.set_result(data)
            elif data.get("method") in _TROUBLES and data["params"].get("entry", {}).get("level") != "info":
                self.troubles.append(json.dumps(data["params"])[:600])

    async def call(self, method: str, **params: Any) -> Any:
        self._next += 1
        answer = self._answers[self._next] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": self._next, "method": method, "params": params})
        said = await answer
        assert "error" not in said, said["error"]
        return said["result"]

    async def do(self, script: str) -> Any:
        """Returns the value of a JavaScript expression; a promise is awaited."""
        said = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    async def until(self, condition: str) -> Any:
        """Waits until a JavaScript expression is true, and returns it."""
        found = await self.do(f"""new Promise((done) => {{
            const end = performance.now() + {_SHOWS_WITHIN_MS};
            const check = () => {{
                const found = (() => {{ try {{ return {condition}; }} catch {{ return false; }} }})();
                if (found || performance.now() > end) done(!!found); else setTimeout(check, 10);
            }};
            check();
        }})""")
        assert found, f"never true: {condition}\n{await self.do('document.body.innerText')}\n{self.troubles}"
        return found

    async def open(self, address: str) -> None:
        await self.call("Page.navigate", url=address)
        await self.until("document.readyState === 'complete' && document.querySelector('h1')")

    async def go(self, fragment: str, title: str) -> None:
        """Goes to another view of the page and waits for its heading."""
        await self.do(f"location.hash = {json.dumps(fragment)}")
        await self.until(f"document.querySelector('h1')?.textContent.includes({json.dumps(title)})")

    async def click(self, selector: str, text: str = "") -> None:
        """Clicks the first of these elements that has `text`."""
        every = f"[...document.querySelectorAll({json.dumps(selector)})]"
        await self.do(f"{every}.find((each) => each.textContent.includes({json.dumps(text)})).click()")

    async def text(self, selector: str) -> str:
        return str(await self.do(f"document.querySelector({json.dumps(selector)}).textContent"))

    async def press(self, *keys: str, shift: bool = False) -> None:
        for key in keys:
            code = _CODES.get(key) or ord(key.upper())
            common = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": 8 * shift}
            await self.call("Input.dispatchKeyEvent", type="keyDown", text=_TEXTS.get(key, key), **common)
            await self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    async def type(self, text: str) -> None:
        await self.press(*text)

    async def show_as(self, *, width: int, dark: bool = False, height: int = 900) -> None:
        size = {"width": width, "height": height}
        await self.call("Emulation.setDeviceMetricsOverride", **size, deviceScaleFactor=1, mobile=False)
        # Colours that are still changing when they are measured would be neither of two.
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme, still])


@asynccontextmanager
async def chromium(profile: Path) -> AsyncIterator[Page]:
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
                page = Page(socket)
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
