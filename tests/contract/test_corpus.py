"""Every agent: bytes that once broke a reader, or that programs leave behind, as a record and in the place of a source.

What `make fuzz` finds is added as a file in `corpus`. What can only happen to one agent's records is kept with its
tests, as an `@example`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from carryover.adapter.contract import Agent
from contract.case import Case, fold_one, naming, source_at
from contract.test_damage import checked
from contract.test_damaged_files import copy_of, readable_parts

CORPUS: Final = {path.name: path.read_bytes() for path in sorted((Path(__file__).parent / "corpus").iterdir())}


def test_a_record_of_these_bytes_costs_at_most_itself(agent: Agent, case: Case) -> None:
    source = source_at(agent, case.recordings[0])
    for name, content in CORPUS.items():
        with naming(name):
            checked(fold_one(agent, source, content))


def test_a_source_of_these_bytes_is_read_or_is_an_os_error(agent: Agent, case: Case, tmp_path: Path) -> None:
    path = copy_of(case.recordings[0], tmp_path / "copy")
    whole = path.read_bytes()
    for name, content in CORPUS.items():
        for before in (b"", whole[:100], whole):
            path.write_bytes(before + content)
            with naming(name):
                checked(readable_parts(agent, case.recordings[0], path))
