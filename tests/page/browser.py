"""A tab of a browser: what a user presses, and what the page shows then. Each browser is driven by its own protocol."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from typing import Any, Final

import aiohttp

_SHOWS_WITHIN_MS: Final = 8000
_NAVIGATED: Final = "navigated"
"""In what Chromium says of an expression that was waited for when the tab went to another address."""


class Navigated(Exception):
    """The page that was asked is no longer there."""


class Page(ABC):
    """A tab. `troubles` are what its console reported as errors, and dialogs that opened."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.troubles: list[str] = []
        self._socket = socket
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._next = 0

    async def listen(self) -> None:
        """Takes what the browser says, until it is closed."""
        async for message in self._socket:
            data = json.loads(message.data)
            if (future := self._answers.pop(data.get("id"), None)) is not None:
                future.set_result(data)
            elif self.is_trouble(data):
                self.troubles.append(json.dumps(data["params"])[:600])

    async def call(self, method: str, **params: Any) -> Any:
        """Returns the result of a command of the browser's protocol."""
        self._next += 1
        answer = self._answers[self._next] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": self._next, "method": method, "params": params})
        said = await answer
        if _NAVIGATED in str(said.get("error")):
            raise Navigated
        assert "error" not in said, said
        return said["result"]

    @abstractmethod
    def is_trouble(self, event: dict[str, Any]) -> bool:
        """Whether an event of the browser tells of an error, or of a dialog."""

    @abstractmethod
    async def load(self, address: str) -> None:
        """Goes to an address, as one that is typed."""

    @abstractmethod
    async def do(self, script: str) -> Any:
        """Returns the value of a JavaScript expression; a promise is awaited."""

    @abstractmethod
    async def press(self, *keys: str, shift: bool = False, alt: bool = False) -> None:
        """Presses keys one after the other, by their names in the DOM."""

    @abstractmethod
    async def show_as(self, *, width: int, dark: bool = False, height: int = 900) -> None:
        """Gives the page a size and a colour scheme."""

    async def until(self, condition: str) -> Any:
        """Waits until a JavaScript expression is true, and returns it; also if the page changes meanwhile."""
        waits = f"""new Promise((done) => {{
            const end = performance.now() + {_SHOWS_WITHIN_MS};
            const check = () => {{
                const found = (() => {{ try {{ return {condition}; }} catch {{ return false; }} }})();
                if (found || performance.now() > end) done(!!found); else setTimeout(check, 10);
            }};
            check();
        }})"""
        try:
            found = await self.do(waits)
        except Navigated:
            found = await self.do(waits)
        assert found, f"never true: {condition}\n{await self.do('document.body.innerText')}\n{self.troubles}"
        return found

    async def back(self) -> None:
        """Goes back once this has returned: what is asked of a page that is being left may get no answer."""
        await self.do("void setTimeout(() => history.back())")

    async def forward(self) -> None:
        """As `back`, forward."""
        await self.do("void setTimeout(() => history.forward())")

    async def open(self, address: str) -> None:
        """Opens the page and waits for its first heading, and until it is loaded: going elsewhere before leaves no
        entry to go back to."""
        await self.load(address)
        loaded = "performance.getEntriesByType('navigation')[0]?.loadEventEnd"
        await self.until(f"{loaded} && document.querySelector('h1')")

    async def go(self, fragment: str, title: str) -> None:
        """Goes to another view of the page and waits for its heading."""
        await self.do(f"location.hash = {json.dumps(fragment)}")
        await self.until(f"document.querySelector('h1')?.textContent.includes({json.dumps(title)})")

    async def click(self, selector: str, text: str = "") -> None:
        """Clicks the first of these elements that has `text`."""
        every = f"[...document.querySelectorAll({json.dumps(selector)})]"
        await self.do(f"{every}.find((each) => each.textContent.includes({json.dumps(text)})).click()")

    async def choose(self, field: str, value: str) -> None:
        """Gives the field with this id a value, as whoever chooses it does."""
        await self.do(f"""(() => {{
            const field = document.getElementById({json.dumps(field)});
            field.value = {json.dumps(value)};
            field.dispatchEvent(new Event("change"));
        }})()""")

    async def text(self, selector: str) -> str:
        return str(await self.do(f"document.querySelector({json.dumps(selector)}).textContent"))

    async def type(self, text: str) -> None:
        """Presses the key of each letter."""
        await self.press(*text)
