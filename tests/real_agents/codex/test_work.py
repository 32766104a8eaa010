"""The scripted session runs as it is written, in each version: every other row relies on it."""

from __future__ import annotations

import pytest

from real_agents.codex import work
from real_agents.codex.client import EACH_VERSION, PROJECT, CodexBox
from real_agents.codex.work import FAILING, FILES, LAST_WORDS
from real_agents.lab.rows import Row

pytestmark = pytest.mark.real_agents


@EACH_VERSION
def test_the_scripted_session_runs_as_it_is_written(codex: CodexBox, row: Row) -> None:
    """A failing test, a patch that fails, one that is applied, a passing test, the last words; one transcript."""
    codex.make_project(FILES)
    codex.script(*work.steps())
    ran = codex.exec(work.TASK)
    failed, refused, applied, passed = codex.outputs()

    row.shown(f"{len(codex.requests())} requests, {len(codex.transcripts())} transcript")
    assert FAILING in failed and "FAILED" in failed
    assert "Failed to find expected lines" in refused
    assert "Success" in applied and "prices.py" in applied
    assert "OK" in passed and FAILING not in passed
    assert LAST_WORDS in ran.out
    assert "PEAR = 2" in codex.box.here(PROJECT / "prices.py").read_text("utf-8")
    assert len(codex.requests()) == len(work.steps()) and len(codex.transcripts()) == 1
