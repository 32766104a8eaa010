"""Trains a dictionary for what the ledger compresses: `make dictionary OUT=FILE`.

The material ships with the project: the events of every agent's recordings, and the sources as if a tool had read them.
The same checkout and the same zstd give the same bytes. A dictionary that was released is never written again; a new
one is worth it only if it makes events of real transcripts, which no dictionary has seen, a good deal smaller.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from carryover.agents import agent_ids
from carryover.model import ToolResult
from contract.case import read_on, source_at
from contract.folder import CHECKOUT, Folder

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BYTES: Final = 12 << 10
"""A longer one makes events longer: what is common then lies further away, and takes more bits to name."""
_SHORTEST: Final = 48
_CHARS_OF_A_FILE: Final = 1500
_ANYWHERE: Final = b"/home/dev/shop"


def samples() -> list[bytes]:
    """Returns the bodies to train on, each once, in an order that depends on nothing else; nor does where it is run."""
    here = os.fspath(CHECKOUT).encode()
    bodies = {body.replace(here, _ANYWHERE) for body in (*_recorded(), *_read())}
    return sorted(body for body in bodies if len(body) >= _SHORTEST)


def _recorded() -> Iterator[bytes]:
    for folder in map(Folder, agent_ids()):
        if folder.agent is None:
            continue
        for case in folder.cases.values():
            for recording in case.recordings:
                reading = read_on(folder.agent, source_at(folder.agent, recording))
                yield from (msgspec.json.encode(event.body) for event in reading.events)


def _read() -> Iterator[bytes]:
    for path in (CHECKOUT / "src").rglob("*.py"):
        output = path.read_text("utf-8")[:_CHARS_OF_A_FILE]
        yield msgspec.json.encode(ToolResult(call_id="toolu_01", name="Read", op="read", status="ok", output=output))


def main() -> None:
    """Writes the dictionary to the file that is named."""
    target = Path(sys.argv[1])
    bodies = samples()
    dictionary = zstd.train_dict(bodies, BYTES).dict_content
    target.write_bytes(dictionary)
    print(f"{target}: {len(dictionary):,} bytes from {len(bodies):,} bodies.")


if __name__ == "__main__":
    main()
