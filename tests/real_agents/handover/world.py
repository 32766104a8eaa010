"""One home with both clients, Carryover installed for both, and a daemon."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from carryover.daemon.client import ask_daemon
from carryover.paths import StateDir
from real_agents.claude_code import client as claude_client
from real_agents.codex import client as codex_client
from real_agents.handover import story
from real_agents.handover.claude_code import ENVIRONMENT, ClaudeCode
from real_agents.handover.codex import Codex
from real_agents.handover.tool import Tool
from real_agents.lab import handoffs, npm, product
from real_agents.lab.box import ENVIRONMENT as BARE
from real_agents.lab.box import HOME, Box

WORK: Final = HOME / "work"
"""The folder of all projects."""


@dataclass(frozen=True, slots=True)
class World:
    """A box with everything in it."""

    box: Box
    claude_code: ClaudeCode
    codex: Codex

    @property
    def tools(self) -> dict[str, Tool]:
        return {tool.id: tool for tool in (self.claude_code, self.codex)}

    def project(self, name: str, files: Mapping[str, str] = story.FILES) -> Path:
        """A repository with these files, committed, and trusted by the user of both clients."""
        root = WORK / name
        for path, text in files.items():
            self.box.write(root / path, text)
        self.box.must("git", "init", "-q", "-b", "main", cwd=root)
        self.box.must("git", "add", "-A", cwd=root)
        self.box.must("git", "commit", "-q", "-m", "start", cwd=root)
        for tool in self.tools.values():
            tool.trust(root)
        return root

    def hook_calls(self) -> int:
        """Calls of hooks that the daemon has had since its start, whatever became of them."""
        socket = StateDir(self.box.here(HOME / ".carryover")).socket
        health = ask_daemon(socket, "GET", "/health", timeout_s=product.ANSWER_S)
        assert isinstance(health, dict)
        return sum(health["hook_calls"].values())


@contextmanager
def made(*, hooks: bool) -> Iterator[World]:
    """Installed as the user does it, every hook reviewed; then all switched off where `hooks` is false.

    Both clients have worked in another project before. Raises npm.NotInstalled.
    """
    claude, codex = claude_client.get(claude_client.LATEST), codex_client.get(codex_client.LATEST)
    folders = [Path(claude.command[0]).parent, codex.command.parent, Path(product.CARRYOVER).parent]
    path = ":".join([*map(str, folders), BARE["PATH"]])
    environment = {**product.ENVIRONMENT, **ENVIRONMENT, "PATH": path, "TZ": "UTC"}
    shown = [*product.SHOWN, *claude.shown, codex.shown]
    with Box(npm.cache_dir() / "runs", shown, environment) as box:
        box.write(HOME / ".gitconfig", "[user]\n\tname = Dev\n\temail = dev@example.com\n")
        world = World(box, ClaudeCode(box, claude), Codex(box, codex))
        for tool in world.tools.values():
            tool.start_model()
        _set_up(world, hooks=hooks)
        yield world


def _set_up(world: World, *, hooks: bool) -> None:
    other = world.project("zoo", {"guide.md": "Animals.\n"})
    product.carryover(world.box, "install", "--yes", "--no-service")
    product.start_daemon(world.box)
    if hooks:
        world.codex.trust_hooks(other)
    else:
        world.claude_code.switch_hooks_off()
        world.codex.switch_hooks_off()
    for tool in world.tools.values():
        tool.turn(other, story.OTHER_TASK, story.OTHER_ANSWER)
    product.settle(world.box)
    log = world.box.here(HOME / ".carryover" / "carryoverd.log").read_text("utf-8")
    assert story.OTHER_TASK in handoffs.read(world.box, other), f"nothing was recorded that could leak; the log:\n{log}"
