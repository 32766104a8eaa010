"""Drives a headless Firefox by WebDriver BiDi, which it speaks itself on a port of this machine."""

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

from page.browser import Page
from support.daemon_process import wait_until

FIREFOX: Final = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
_KEYS: Final = {
    "Enter": "\ue006",
    "Tab": "\ue004",
    "Escape": "\ue00c",
    "Shift": "\ue008",
    "Alt": "\ue00a",
    "ArrowLeft": "\ue012",
    "ArrowUp": "\ue013",
    "ArrowRight": "\ue014",
    "ArrowDown": "\ue015",
}
_SETTINGS: Final = {
    "ui.prefersReducedMotion": 1,
    "layout.css.prefers-color-scheme.content-override": 1,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#none",
    "app.update.disabledForTesting": True,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.server": "data:,",
}
"""What keeps it from asking anybody for anything, and what it tells pages that its user prefers."""


class FirefoxPage(Page):
    """A tab of Firefox."""

    tab = ""

    def is_trouble(self, event: dict[str, Any]) -> bool:
        told = event.get("params", {})
        is_error = event.get("method") == "log.entryAdded" and told["level"] == "error"
        return is_error or event.get("method") == "browsingContext.userPromptOpened"

    async def load(self, address: str) -> None:
        await self.call("browsingContext.navigate", context=self.tab, url=address, wait="complete")

    async def do(self, script: str) -> Any:
        asked = {"expression": script, "awaitPromise": True, "target": {"context": self.tab}, "userActivation": True}
        said = await self.call("script.evaluate", **asked)
        assert said["type"] == "success", said
        return _plain(said["result"])

    async def press(self, *keys: str, shift: bool = False, alt: bool = False) -> None:
        held = [_KEYS[name] for name, is_held in (("Shift", shift), ("Alt", alt)) if is_held]
        pressed = [_KEYS.get(key, key) for key in keys]
        actions = [
            *({"type": "keyDown", "value": value} for value in held),
            *({"type": kind, "value": value} for value in pressed for kind in ("keyDown", "keyUp")),
            *({"type": "keyUp", "value": value} for value in held),
        ]
        keyboard = {"type": "key", "id": "keyboard", "actions": actions}
        await self.call("input.performActions", context=self.tab, actions=[keyboard])

    async def show_as(self, *, width: int, dark: bool = False, height: int = 900) -> None:
        assert not dark, "its colour scheme is a setting of its profile"
        size = {"width": width, "height": height}
        await self.call("browsingContext.setViewport", context=self.tab, viewport=size)


def _plain(value: dict[str, Any]) -> Any:
    """Returns a value as JSON has it."""
    match value["type"]:
        case "array":
            return [_plain(each) for each in value["value"]]
        case "object":
            return {name: _plain(each) for name, each in value["value"]}
        case _:
            return value.get("value")


@asynccontextmanager
async def firefox(profile: Path) -> AsyncIterator[FirefoxPage]:
    """Starts a browser with a profile in `profile`, and ends it."""
    assert FIREFOX is not None
    settings = "".join(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in _SETTINGS.items())
    (profile / "user.js").write_text(settings)
    program = await asyncio.create_subprocess_exec(
        FIREFOX, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port=0", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, env={**os.environ, "HOME": str(profile)},
    )  # fmt: skip
    try:
        port = await asyncio.to_thread(wait_until, "Firefox", lambda: _port(profile / "WebDriverBiDiServer.json"))
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"ws://127.0.0.1:{port}/session", max_msg_size=0) as socket,
        ):
            page = FirefoxPage(socket)
            listening = asyncio.ensure_future(page.listen())
            await page.call("session.new", capabilities={})
            # Its first window never is in front, so Enter would press no button there.
            page.tab = (await page.call("browsingContext.create", type="window"))["context"]
            await page.call("session.subscribe", events=["log.entryAdded", "browsingContext.userPromptOpened"])
            yield page
            listening.cancel()
    finally:
        program.kill()
        await program.wait()


def _port(file: Path) -> int | None:
    """The port that Firefox listens on, once it has written it into its profile."""
    try:
        return int(json.loads(file.read_text())["ws_port"])
    except (OSError, ValueError):
        return None
