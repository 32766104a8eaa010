"""Aider in a box: get it, start it, see what it sent to the model and what it wrote."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from real_agents.lab import product, pypi
from real_agents.lab.box import ENVIRONMENT, HOME, OUT, Box, Ran
from real_agents.lab.model_server import PORT
from real_agents.lab.npm import cache_dir
from real_agents.lab.terminal import Terminal

LATEST: Final = "0.86.2"
VERSIONS: Final = (LATEST, "0.82.3")
"""The newest there is, and one of a few months before it."""

CHOSEN: Final = tuple(os.environ.get("CARRYOVER_AIDER", "").split()) or VERSIONS
EACH_VERSION: Final = pytest.mark.parametrize("aider", CHOSEN, indirect=True)

PROJECT: Final = HOME / "shop"
HISTORY: Final = ".aider.chat.history.md"
SETTINGS: Final = ".aider.conf.yml"
READY: Final = r"(?m)^\w*> *$"
"""The line of an interactive client that takes a prompt."""

OFFLINE: Final = {
    "AIDER_MODEL": "openai/gpt-4o",
    "AIDER_WEAK_MODEL": "openai/gpt-4o-mini",
    "AIDER_CHECK_UPDATE": "false",
    "AIDER_SHOW_RELEASE_NOTES": "false",
    "AIDER_ANALYTICS": "false",
    "AIDER_SHOW_MODEL_WARNINGS": "false",
    "OPENAI_API_KEY": "dummy",
    "OPENAI_API_BASE": f"http://127.0.0.1:{PORT}/v1",
    "TZ": "UTC",
}
"""The settings of a user who has answered the questions of the first start, and whose provider is here."""


@dataclass(frozen=True, slots=True)
class Client:
    """An installed client."""

    version: str
    folder: Path

    @property
    def command(self) -> str:
        return str(self.folder / "bin" / "aider")


def get(version: str) -> Client:
    """The client of that version, fetched on first use. Raises NotInstalled."""
    return Client(version, pypi.installed("aider-chat", version, any_version_of=("pyperclip",)))


@contextmanager
def boxed(client: Client) -> Iterator[AiderBox]:
    """A box in which `aider` is that client."""
    path = f"{ENVIRONMENT['PATH']}:{client.folder / 'bin'}"
    environment = {**product.ENVIRONMENT, **OFFLINE, "PATH": path}
    with Box(cache_dir() / "runs", [*product.SHOWN, client.folder], environment) as box:
        yield AiderBox(box, client)


class AiderBox:
    """A box with one client, the fake chat API and a project, `/home/dev/shop`, that is a git repository."""

    def __init__(self, box: Box, client: Client) -> None:
        self.box = box
        self.client = client
        box.write(HOME / ".gitconfig", "[user]\n\tname = Dev\n\temail = dev@example.com\n")
        server = box.start(product.PYTHON, "-m", "real_agents.aider.chat_api", str(OUT))
        if server.line() != "ready":
            raise RuntimeError("the fake chat API did not start")

    def make_project(self, files: dict[str, str], root: Path = PROJECT) -> None:
        """The project with these files, committed."""
        for name, text in files.items():
            self.box.write(root / name, text)
        self.box.must("git", "init", "-q", "-b", "main", cwd=root)
        self.box.must("git", "add", "-A", cwd=root)
        self.box.must("git", "commit", "-q", "--allow-empty", "-m", "start", cwd=root)

    def script(self, *replies: Any) -> None:
        """What the model will say next, in this order (`chat_api.py`); after that it says "OK."."""
        with self.box.here(OUT / "replies.jsonl").open("a", encoding="utf-8") as script:
            script.writelines(json.dumps(reply) + "\n" for reply in replies)

    def message(self, prompt: str, *options: str, cwd: Path = PROJECT) -> Ran:
        """One prompt in a session of its own. Raises RuntimeError when it ends badly."""
        ran = self.box.run(self.client.command, *options, "--yes-always", "--message", prompt, cwd=cwd)
        if ran.code:
            raise RuntimeError(f"aider ended with {ran.code}: {ran.err or ran.out}")
        return ran

    def terminal(self, *options: str, cwd: Path = PROJECT) -> Terminal:
        """The interactive client."""
        return Terminal(self.box, self.client.command, "--no-pretty", *options, cwd=cwd)

    def requests(self) -> list[str]:
        """All that the main model was told by each request so far, oldest first."""
        path = self.box.here(OUT / "requests.jsonl")
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        bodies = [entry["body"] for entry in map(json.loads, lines) if entry["asked"]]
        return [told(body) for body in bodies]

    def history(self, root: Path = PROJECT) -> Path:
        """The chat history, as seen from outside."""
        return self.box.here(root / HISTORY)


def told(body: dict[str, Any]) -> str:
    """Everything that the model reads in the body of a request."""
    return "\n".join(_text(message["content"]) for message in body["messages"])


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)
