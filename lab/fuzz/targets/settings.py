"""The user's settings and a project's own: understood, or refused with a sentence; a project's can only do less."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final, get_args

from carryover.config import Config, Pointers, load_config, project_settings
from carryover.errors import UserError
from carryover.project_file import PROJECT_FILE
from fuzz.bytes import chosen
from fuzz.shown import assert_shown

LARGEST: Final = 1_500


def check(data: bytes, folder: Path) -> None:
    whose, content = chosen(data, ("user", "project"))
    config = Config()
    path = folder / ("config.toml" if whose == "user" else PROJECT_FILE)
    path.write_bytes(content)
    try:
        config = load_config(folder / "config.toml")
    except UserError as error:
        assert str(error)
    settings = project_settings(folder, config)
    path.unlink()
    for note in (*config.unknown_keys, *settings.notes):
        assert_shown(note, breaks=False)
    plain = project_settings(folder, config)
    if whose == "project":
        assert plain.is_inside or not settings.is_inside
        assert settings.pointers == plain.pointers or settings.pointers in _less_than(str(plain.pointers))


def _less_than(pointers: str) -> tuple[str, ...]:
    known = get_args(Pointers)
    return tuple(known[known.index(pointers) :])


def seeds() -> Iterable[bytes]:
    yield b"\0" + (
        b'[resume]\nmode = "ask"\ndepth = 8000\n[publish]\npointers = "shared"\nshared_since = 2026-11-21T14:30:00Z\n'
        b'[server]\nport = 47823\npage = true\n[projects]\nexclude = ["/x/*"]\n'
        b'[sync]\nevery = "5m"\n[agents]\nselected = ["codex"]\n[agents.codex]\nroots = []\n'
    )
    yield b'\1exclude = false\n[resume]\nmode = "brief"\ndepth = 8000\n[publish]\npointers = "off"\n'
    yield b"\1exclude = true\nother = 1\n[[publish]]\nx = 1e400\n"
