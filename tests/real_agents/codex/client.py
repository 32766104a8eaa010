"""Codex CLI in a box: get it, start it, see what it sent to the model and what it wrote."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from real_agents.codex.requests import outputs, told
from real_agents.lab import npm, product
from real_agents.lab.box import ENVIRONMENT, HOME, OUT, Box, Ran, Started
from real_agents.lab.model_server import PORT
from real_agents.lab.terminal import Terminal
from real_agents.lab.waiting import wait_until

LATEST: Final = "0.169.0"
VERSIONS: Final = (LATEST, "0.150.0", "0.125.0", "0.99.0")
"""Newest known; one of the first with `item_completed` records; records of the older family, hooks without a review; no
hooks yet, and no records of where a turn begins and ends."""

CHOSEN: Final = tuple(os.environ.get("CARRYOVER_CODEX", "").split()) or VERSIONS
"""The versions that rows run with which ask for each."""

NEWEST: Final = tuple(version for version in CHOSEN if version == LATEST)
"""The version that all others run with."""


def of_version(*versions: str) -> pytest.MarkDecorator:
    """For a row that runs with these versions, as far as they were chosen."""
    return pytest.mark.parametrize("codex", [chosen for chosen in CHOSEN if chosen in versions], indirect=True)


EACH_VERSION: Final = of_version(*CHOSEN)

UUID_LENGTH: Final = 36
CODEX_HOME: Final = HOME / ".codex"
PROJECT: Final = HOME / "shop"

READY: Final = r"(?m)^› Ask Codex"
"""The line of an interactive client (0.150.0, 0.169.0) that takes a prompt."""

REVIEW: Final = "Hooks need review"
"""What the interactive client shows first when there are hooks that the user has not yet reviewed."""

SETTINGS: Final = f"""\
model = "gpt-5.5"
model_provider = "fake"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false

[analytics]
enabled = false

[features]
plugins = false

[model_providers.fake]
name = "fake"
base_url = "http://127.0.0.1:{PORT}/v1"
wire_api = "responses"

[notice.model_migrations]
"gpt-5.5" = "gpt-6-sol"

[projects."{PROJECT}"]
trust_level = "trusted"
"""
"""`config.toml` of a user who has answered the questions of the first start. An offline client waits
5 s at its end for its metrics (0.169.0) or for its list of plugins (0.125.0, 0.150.0), where these are on."""


@dataclass(frozen=True, slots=True)
class Client:
    """An installed client: how to start it, and the folder that a box must show for that."""

    version: str
    command: Path
    shown: Path


def get(version: str) -> Client:
    """The client of that version, fetched on first use. Raises npm.NotInstalled."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}[platform.machine()]
    folder = npm.installed("@openai/codex", f"{version}-linux-{machine}")
    # 0.99.0 and 0.125.0 have it in a folder of its own name.
    [command] = [path for name in ("bin", "codex") for path in folder.glob(f"vendor/*/{name}/codex")]
    return Client(version, command, folder)


@contextmanager
def boxed(client: Client, *others: Client, home: Path | None = None) -> Iterator[CodexBox]:
    """A box in which `codex` is that client; `others` can be started by their paths. `home`: its `$CODEX_HOME`."""
    path = f"{client.command.parent}:{ENVIRONMENT['PATH']}"
    environment = {**product.ENVIRONMENT, "PATH": path, "TZ": "UTC", **({"CODEX_HOME": str(home)} if home else {})}
    shown = [*product.SHOWN, *(one.shown for one in (client, *others))]
    with Box(npm.cache_dir() / "runs", shown, environment) as box:
        yield CodexBox(box, client, home or CODEX_HOME)


class CodexBox:
    """A box with one client, the fake Responses API and a project, `/home/dev/shop`, that is a git repository."""

    def __init__(self, box: Box, client: Client, home: Path) -> None:
        self.box = box
        self.client = client
        self.home = home
        """The client's own folder."""
        box.write(HOME / ".gitconfig", "[user]\n\tname = Dev\n\temail = dev@example.com\n")
        box.write(home / "config.toml", SETTINGS)
        server = box.start(product.PYTHON, "-m", "real_agents.codex.responses_api", str(OUT))
        if server.line() != "ready":
            raise RuntimeError("the fake Responses API did not start")

    def make_project(self, files: dict[str, str], root: Path = PROJECT) -> None:
        """The project with these files, committed."""
        for name, text in files.items():
            self.box.write(root / name, text)
        self.box.must("git", "init", "-q", "-b", "main", cwd=root)
        self.box.must("git", "add", "-A", cwd=root)
        self.box.must("git", "commit", "-q", "--allow-empty", "-m", "start", cwd=root)

    def script(self, *replies: Any) -> None:
        """What the model will say next, in this order (`responses_api.py`); after that it says "OK."."""
        with self.box.here(OUT / "replies.jsonl").open("a", encoding="utf-8") as script:
            script.writelines(json.dumps(reply) + "\n" for reply in replies)

    def exec(self, prompt: str, *options: str, cwd: Path = PROJECT) -> Ran:
        """One `codex exec`; `options` stand before the prompt. Raises RuntimeError when it ends badly."""
        ran = self.box.run(str(self.client.command), "exec", *options, prompt, cwd=cwd)
        if ran.code:
            raise RuntimeError(f"codex exec ended with {ran.code}: {ran.err or ran.out}")
        return ran

    def resume(self, prompt: str, *options: str, cwd: Path = PROJECT) -> Ran:
        """One `codex exec resume` of the newest session. Raises RuntimeError when it ends badly."""
        return self.exec(prompt, "resume", "--last", *options, cwd=cwd)

    def start_exec(self, prompt: str) -> Started:
        """One `codex exec` that goes on until it is stopped."""
        return self.box.start(str(self.client.command), "exec", prompt, cwd=PROJECT)

    def terminal(self, *options: str, cwd: Path = PROJECT) -> Terminal:
        """The interactive client."""
        return Terminal(self.box, str(self.client.command), *options, cwd=cwd)

    def trust_hooks(self) -> str:
        """Starts the client and answers its question about new hooks with "Trust all"; what it had asked."""
        settings = self.box.here(self.home / "config.toml")
        with self.terminal() as terminal:
            terminal.wait(REVIEW)
            asked = terminal.screen()
            terminal.key("Down")
            terminal.wait("› 2. Trust all")
            terminal.key("Enter")
            wait_until(lambda: "trusted_hash" in settings.read_text("utf-8"))
            terminal.wait(READY)
        return asked

    def requests(self) -> list[dict[str, Any]]:
        """Bodies of the conversations' requests so far, oldest first."""
        return [entry["body"] for entry in self._asked()]

    def request_times(self) -> list[float]:
        """When each of them came, in seconds since the epoch."""
        return [entry["at_s"] for entry in self._asked()]

    def told(self) -> str:
        """Everything the model was told by the last request."""
        return told(self.requests()[-1])

    def outputs(self) -> list[str]:
        """What the tools gave back, as the last request brought it."""
        return outputs(self.requests()[-1])

    def _asked(self) -> list[dict[str, Any]]:
        path = self.box.here(OUT / "requests.jsonl")
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return [entry for entry in map(json.loads, lines) if entry["asked"]]

    def threads(self) -> list[str]:
        """Ids of the conversations that have a transcript, oldest first."""
        return [path.stem[-UUID_LENGTH:] for path in self.transcripts()]

    def transcripts(self) -> list[Path]:
        """The transcripts ("rollouts") written so far, archived ones too, as seen from outside; oldest first."""
        return sorted(self.box.here(self.home).rglob("rollout-*.jsonl"), key=lambda path: path.name)
