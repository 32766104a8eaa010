"""Which files tell of Cascade's conversations."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.windsurf.talks import put, spool_of, transcripts_of, uid, worked
from carryover.agents.windsurf.adapter import AGENT
from carryover.agents.windsurf.locate import kind_of
from carryover.config import Config
from carryover.ingest.scan import roots_to_read


def test_the_spool_comes_before_a_transcript(tmp_path: Path) -> None:
    talk = worked()
    roots = (spool_of(tmp_path / ".carryover"), transcripts_of(tmp_path))
    for root in roots:
        put(root / f"{talk.id}.jsonl", b"")

    spooled, transcript = (AGENT.sources(root)[0] for root in roots)
    assert spooled.session == transcript.session == talk.id
    assert spooled.rank > transcript.rank


@pytest.mark.parametrize("moved", [False, True])
def test_the_spool_is_in_the_state_folder(tmp_path: Path, moved: bool) -> None:
    env = {"CARRYOVER_HOME": str(tmp_path / "elsewhere")} if moved else {}
    state = tmp_path / ("elsewhere" if moved else ".carryover")

    roots = {root.path for root in roots_to_read([AGENT], Config(), tmp_path, env)}
    assert roots == {spool_of(state), transcripts_of(tmp_path)}
    assert roots_to_read([AGENT], Config(paused=True), tmp_path, env) == ()


def test_files_of_that_name_in_other_folders_are_none(tmp_path: Path) -> None:
    for folder in (tmp_path / "spool", tmp_path / "transcripts", tmp_path / "windsurf", spool_of(tmp_path) / "pending"):
        path = folder / f"{uid('one')}.jsonl"
        assert kind_of(path) is None
        assert AGENT.source_of(path, folder) is None
        with pytest.raises(OSError):
            AGENT.reader.read(path, None)
