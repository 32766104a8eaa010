"""Kilo's material for the contract suite: what a real client wrote, and its relative's records."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from agents.kilo.stores import RECORDED, Client, database
from agents.opencode import contract_case as relative
from contract.case import Capabilities, Case, Recording
from support.own_folder import own_folder

FOLDER: Final = own_folder("kilo")

TRANSIENT: Final = {
    "type": "text",
    "text": "⠋ Initializing snapshot…",
    "synthetic": True,
    "metadata": {"kilocode.lifecycle": "transient"},
}
"""A part that the client shows while it works, and deletes (7.7.9)."""


def recordings() -> tuple[Recording, ...]:
    paths = [database(FOLDER / name, name) for name in RECORDED]
    return tuple(Recording(path, path.parent) for path in paths)


CASE: Final[Case] = replace(
    relative.CASE,
    recordings=recordings(),
    in_place_only=(),
    stages={"streamed": partial(relative.streamed, made=Client)},
    quiet=(*relative.CASE.quiet, relative.model(TRANSIENT)),
    strangers=("auth.json", "kilo.db-shm", ".hidden.db", "log/opencode.log", "snapshot/a.db", "telemetry-id"),
)

CAPABILITIES: Final = Capabilities(
    reads="the database",
    shows=frozenset({"compaction", "fork", "limit", "sub-agents", "tests", "title", "todo list", "who asks"}),
    arrives="an entry in its settings, read at each request, and the pointer in `AGENTS.md`",
)
