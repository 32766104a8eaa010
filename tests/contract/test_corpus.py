"""Every agent: bytes that once broke a reader, or that programs leave behind, as a record and in the place of a source.

What `make fuzz` finds is added as a file in `corpus`. What can only happen to one agent's records is kept with its
tests, as an `@example`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from carryover.adapter.contract import Agent
from contract.case import Case, fold_one, source_at
from contract.test_damage import checked
from contract.test_damaged_files import copy_of, readable_parts

CORPUS: Final = Path(__file__).parent / "corpus"
EACH_FILE: Final = pytest.mark.parametrize("name", sorted(path.name for path in CORPUS.iterdir()))


@EACH_FILE
def test_a_record_of_these_bytes_costs_at_most_itself(agent: Agent, case: Case, name: str) -> None:
    checked(fold_one(agent, source_at(agent, case.recordings[0]), (CORPUS / name).read_bytes()))


@EACH_FILE
def test_a_source_of_these_bytes_is_read_or_is_an_os_error(agent: Agent, case: Case, name: str, tmp_path: Path) -> None:
    path = copy_of(case.recordings[0], tmp_path / "copy")
    content = (CORPUS / name).read_bytes()
    for before in (b"", path.read_bytes()[:100], path.read_bytes()):
        path.write_bytes(before + content)
        checked(readable_parts(agent, case.recordings[0], path))
