"""The history of all agents that the growth is measured on."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bench.corpus import Corpus
from bench.mixed import make_mixed
from bench.product import read_home
from carryover.adapter.contract import ProjectReader
from carryover.agents import adapters
from carryover.ledger.connect import connect_read_only
from carryover.probe.checkout import Checkout
from carryover.probe.own_file import why_not_own
from carryover.transcript.sources import sources_of

pytestmark = pytest.mark.night

NOW_MS = 1_700_000_000_000


def test_every_agents_sessions_are_read_without_a_skip_and_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    with _home(tmp_path, "first") as home:
        first = _made(home)
        contents = _contents(first)
        in_projects = set(_in_projects(first))
        read_home(tmp_path / "ledger.sqlite", home)
    with _home(tmp_path, "second") as home:
        assert _contents(_made(home)) == contents

    with closing(connect_read_only(tmp_path / "ledger.sqlite")) as db:
        in_home = {agent for (agent,) in db.execute("SELECT DISTINCT agent FROM session")}
        skipped = db.execute("SELECT * FROM skipped").fetchall()
    assert in_home | in_projects == set(adapters())
    assert skipped == []


def test_the_newest_project_has_the_newest_transcript_and_sessions_end_before_now(tmp_path: Path) -> None:
    corpus = _made(tmp_path / "home")
    newest = corpus.files_of(corpus.projects[0])
    dated = [path for path in corpus.files if path.relative_to(corpus.home).parts[0] not in ("work", ".carryover")]

    assert dated[0].stat().st_mtime_ns == newest[0].stat().st_mtime_ns
    assert dated[0].stat().st_mtime_ns < NOW_MS * 1_000_000


@contextmanager
def _home(folder: Path, aside: str) -> Iterator[Path]:
    """Always the same path, since transcripts name it; what was made there is put aside."""
    yield folder / "home"
    (folder / "home").rename(folder / aside)


def _made(home: Path) -> Corpus:
    return make_mixed(home, megabytes=0.5, seed=1, now_ms=NOW_MS)


def _contents(corpus: Corpus) -> dict[Path, bytes]:
    """Without the logs of what was typed in the projects: their last entry must be of now."""
    logs = {
        agent.reader.last_input(Path(source.path))[0]
        for root in corpus.projects
        for agent in adapters().values()
        if isinstance(agent.reader, ProjectReader)
        for source in sources_of(agent, root)
    }
    return {file: file.read_bytes() for file in corpus.files if file not in logs}


def _in_projects(corpus: Corpus) -> Iterator[str]:
    for agent in adapters().values():
        sources = [
            (root, source) for root in corpus.projects if agent.in_projects for source in sources_of(agent, root)
        ]
        if any(why_not_own(agent, Checkout(root), Path(source.path)) is None for root, source in sources):
            yield agent.id
