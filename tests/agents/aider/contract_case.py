"""Aider's material for the contract suite."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from carryover.agents.aider import history as blocks
from contract.case import Capabilities, Case, Recording
from support.own_folder import own_folder

FIXTURES: Final = Path(__file__).parent / "fixtures"
HISTORY: Final = ".aider.chat.history.md"
INPUTS: Final = ".aider.input.history"
AT_MS: Final = 1_795_155_417_000
WRITTEN_S: Final = AT_MS // 1000
"""A time long ago: nothing in a file that was written then is held back."""


def recordings() -> tuple[Recording, ...]:
    """Every recorded history. Its folder stands for the project."""
    for path in FIXTURES.glob("*/*/*"):
        os.utime(path, (WRITTEN_S, WRITTEN_S))
    return tuple(Recording(path, path.parent) for path in sorted(FIXTURES.glob(f"*/*/{HISTORY}")))


def recording(name: str, version: str = "0.86.2") -> Recording:
    """One of them by its scenario."""
    folder = FIXTURES / version / name
    return Recording(folder / HISTORY, folder)


def block(kind: str, **fields: object) -> bytes:
    return json.dumps({"kind": kind, "at_ms": AT_MS, "session": "20261120-061657-1f", **fields}).encode()


def growing(name: str) -> Iterator[Recording]:
    """A recorded history as the client wrote it: block by block, and message by message. Always in the same folder, for
    that is the project, and in the same file, for that is part of what a session is known by."""
    original = recording(name)
    folder = own_folder("aider") / name
    folder.mkdir(exist_ok=True)
    shutil.copyfile(original.root / INPUTS, folder / INPUTS)
    lines = original.path.read_text().split("\n")[:-1]
    path = folder / HISTORY
    at = 0
    for session in blocks.sessions_in(lines):
        for kind, block_lines in blocks.blocks_in(session, lambda _: None):
            at = next(n for n in range(at, len(lines)) if lines[n].strip())
            end = at + len(block_lines)
            for grown in [end] if kind != "messages" else _message_ends(lines, at, end):
                path.write_text("".join(f"{line}\n" for line in lines[:grown]))
                # Before all that was typed: when it was read decides the time of what has no other one.
                os.utime(path, (WRITTEN_S - len(lines) + grown,) * 2)
                yield Recording(path, folder)
            at = end


def _message_ends(lines: list[str], at: int, end: int) -> Iterator[int]:
    """After each message that a reader could find at the end of the file. An error is followed at once by what it means
    and by the time of the next try."""
    for number in range(at + 1, end):
        following = lines[number]
        if lines[number - 1].endswith("  ") and following.startswith("> ") and not _at_once(following):
            yield number
    yield end


def _at_once(line: str) -> bool:
    return line.startswith(("> The API provider", "> Retrying in", "> # "))


FORMS: Final = (
    "#### Ship it  ",
    "\n# aider chat started at 2026-11-20 00:00:00\n\n> Aider v0.86.2  \n\n#### Ship it  \n",
    "> ^C again to exit  ",
    "^C again to exit",
    "Tokens: 1k sent, 1k received.",
    "litellm.RateLimitError: RateLimitError: try again in 3 hours",
    "Only 3 reflections allowed, stopping.",
    "Commit 0a1b2c3 Ship it",
    "Applied edit to cart.py",
)
"""What the client writes for the user, or for itself."""

CASE: Final = Case(
    recordings=recordings(),
    forms=FORMS,
    # A text file, of which only a linter's output is a tool's; how its lines are told apart: tests/agents/aider.
    places=1,
    grows_by_lines=False,
    stages={
        "story": lambda _: growing("story"),
        "lint": lambda _: growing("lint"),
        "limit": lambda _: growing("ratelimit"),
    },
    unknown=(block("brand_new"), block("image", text="words"), block("prompt", text="words", session="")),
    quiet=(
        block("message", text="Repo-map: using 4096 tokens, auto refresh"),
        block("message", text="All chat history cleared."),
        block("prompt", text="<blank>"),
        block("prompt", text="/add pricing.py"),
        block("prompt", text="/chat-mode ask"),
    ),
    not_typed=(
        block("model", text="#### Plan\n\nI will do it."),
        block("message", text="Processing your request..."),
        block("prompt", text="/clear"),
    ),
    strangers=(
        ".aider.input.history",
        ".aider.llm.history",
        ".aider.conf.yml",
        ".aider.tags.cache.v4/cache.db",
        "docs/.aider.chat.history.md",
        "aider.chat.history.md",
    ),
)

CAPABILITIES: Final = Capabilities(
    reads="`.aider.chat.history.md` in the project",
    shows=frozenset({"limit", "tests"}),
    arrives="`read` in the project's `.aider.conf.yml`, or `carryover to aider`",
)
