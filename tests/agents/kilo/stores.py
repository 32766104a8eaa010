"""Kilo's databases: what real clients wrote, and rows written as its relative writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from agents.opencode import stores
from carryover.agents.kilo.adapter import AGENT
from contract.case import Reading
from support.sqlite_client import filled

FIXTURES: Final = Path(__file__).with_name("fixtures")
LATEST: Final = "7.7.9"
RECORDED: Final = ("story", "tui")


class Client(stores.Client):
    """See `stores.Client`."""

    def __init__(self, path: Path, version: str = LATEST) -> None:
        super().__init__(path, version)

    @staticmethod
    def dump(version: str) -> Path:
        return FIXTURES / version / "story.sql"


def database(folder: Path, name: str) -> Path:
    """A database of the real client, in a data folder of its own."""
    return filled(folder / "kilo" / "kilo.db", (FIXTURES / LATEST / f"{name}.sql").read_text("utf-8"))


def read(path: Path, reading: Reading | None = None) -> Reading:
    """Everything that is new in a database; nothing of it may be skipped."""
    return stores.read(path, reading=reading, agent=AGENT)
