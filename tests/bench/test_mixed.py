"""The history of all agents that the growth is measured on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

from bench.corpus import Corpus
from bench.mixed import make_mixed
from carryover.agents import adapters
from carryover.distill.stored_digest import DigestReducer
from carryover.ingest.pipeline import ingest
from carryover.ingest.scan import find_sources, roots_of
from carryover.ledger.connect import connect_read_only
from carryover.ledger.store import Ledger
from carryover.probe.own_file import why_not_own
from carryover.projects.root import find_root

NOW_MS = 1_700_000_000_000


async def test_every_agents_sessions_are_read_without_a_skip_and_are_the_same_for_the_same_seed(
    tmp_path: Path,
) -> None:
    with _home(tmp_path, "first") as home:
        first = _made(home)
        contents = _contents(first)
        in_projects = set(_in_projects(first))
        await _read(tmp_path / "ledger.sqlite", home)
    with _home(tmp_path, "second") as home:
        assert _contents(_made(home)) == contents

    with closing(connect_read_only(tmp_path / "ledger.sqlite")) as db:
        in_home = {agent for (agent,) in db.execute("SELECT DISTINCT agent FROM session")}
        skipped = db.execute("SELECT * FROM skipped").fetchall()
    assert in_home | in_projects == set(adapters())
    assert skipped == []


async def _read(ledger_path: Path, home: Path) -> None:
    """Reads every transcript below `home` into a ledger, as the daemon finds them."""
    agents = adapters()
    ledger = await Ledger.open(ledger_path, DigestReducer())
    with ThreadPoolExecutor(max_workers=1) as executor:
        for item in find_sources(agents, roots_of(agents.values(), home, {})):
            agent = agents[item.source.agent]
            done = await ingest(ledger, agent, item.source, root_of=find_root, now_ms=lambda: NOW_MS, executor=executor)
            assert done.error is None
    await ledger.close()


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
        agent.last_input(Path(source.path)).path
        for root in corpus.projects
        for agent in adapters().values()
        if agent.last_input is not None
        for source in agent.sources(root)
    }
    return {file: file.read_bytes() for file in corpus.files if file not in logs}


def _in_projects(corpus: Corpus) -> Iterator[str]:
    for agent in adapters().values():
        sources = [(root, source) for root in corpus.projects if agent.in_projects for source in agent.sources(root)]
        if any(why_not_own(agent, root, Path(source.path)) is None for root, source in sources):
            yield agent.id
