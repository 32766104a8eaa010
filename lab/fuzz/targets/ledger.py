"""A ledger with bytes of it changed, or cut: opening it leaves one that is sound page by page, and has no event twice.

Every four bytes of the data are a place, its first two bits a length in pages, and what the bytes there become.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

from carryover.distill.stored_digest import DigestReducer
from carryover.errors import UserError
from carryover.ledger.codec import DamagedBody, decode_body
from carryover.ledger.connect import connect_read_only, damage_mark, prepare_file
from carryover.ledger.store import Ledger
from carryover.model import UserPrompt
from support.machines import OneMachine

LARGEST: Final = 160
_PAGE: Final = 4096
_PROMPTS: Final = frozenset(f"Add discount {number}" for number in range(60))


def check(data: bytes, folder: Path) -> None:
    whole, path = folder / "whole.sqlite", folder / "state" / "ledger.sqlite"
    if not whole.exists():
        asyncio.run(_write(folder, whole))
    shutil.rmtree(path.parent, ignore_errors=True)
    path.parent.mkdir()
    path.write_bytes(_damaged(whole.read_bytes(), data))
    damage_mark(path).touch()
    try:
        prepare_file(path)
    except UserError as error:
        assert str(error)
        return
    with closing(connect_read_only(path)) as db:
        db.text_factory = lambda stored: stored.decode(errors="replace")
        assert db.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        said = [_prompt_in(body) for (body,) in db.execute("SELECT body FROM event WHERE body != ''")]
    known = [text for text in said if text in _PROMPTS]
    assert len(known) == len(set(known)), "an event twice"


def _prompt_in(body: str | bytes) -> str | None:
    """Returns the text of a prompt; None if it is damaged, which is found once it is read."""
    try:
        found = decode_body(body)
    except DamagedBody:
        return None
    return found.text if isinstance(found, UserPrompt) else None


async def _write(folder: Path, whole: Path) -> None:
    home = folder / "home"
    machine = OneMachine("laptop", home, await Ledger.open(home / ".carryover" / "ledger.sqlite", DigestReducer()))
    for number, prompt in enumerate(sorted(_PROMPTS)):
        await machine.say(prompt, session=f"s{number % 5}", at_ms=1_000_000 * (number + 1))
    await machine.close()
    with closing(sqlite3.connect(home / ".carryover" / "ledger.sqlite", isolation_level=None)) as db:
        db.execute("VACUUM INTO ?", (str(whole),))


def _damaged(content: bytes, data: bytes) -> bytes:
    changed = bytearray(content)
    for number in range(0, len(data) - 3, 4):
        place, value = int.from_bytes(data[number : number + 3]), data[number + 3]
        at, pages = (place & 0x3FFFFF) % len(changed), place >> 22
        if pages == 3:
            del changed[max(at, _PAGE) :]
        elif pages:
            changed[at : at + pages * _PAGE] = bytes([value]) * min(pages * _PAGE, len(changed) - at)
        else:
            changed[at] = value
    return bytes(changed)


def seeds() -> Iterable[bytes]:
    for at in (20, 100, 5_000, 9_000, 20_000, 40_000, 60_000):
        for pages in range(4):
            yield (at | pages << 22).to_bytes(3) + b"\xa5"
