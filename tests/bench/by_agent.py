"""What a first read costs for each agent: their formats differ in how much of them is worth keeping."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from .measure import in_own_process
from .mixed import make_mixed
from .product import read_all, sources_of, stored

COLUMNS: Final = ("agent", "sources", "history", "processor time", "of a MB", "events", "kept text", "ledger")


def by_agent(top: Path, megabytes: float) -> str:
    """A table with a line for each agent whose sources are in the home, of a mixed history of that size."""
    home = top / "by-agent"
    make_mixed(home, megabytes=megabytes, seed=5, now_ms=int(time.time() * 1000))
    sources = sources_of(home)
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for agent in sorted({source.agent for source in sources}):
        own = [source for source in sources if source.agent == agent]
        size_mb = sum(path.stat().st_size for source in own if (path := Path(source.path)).is_file()) / 1e6
        ledger = home / f"ledger-{agent}" / "ledger.sqlite"
        ledger.parent.mkdir()
        cpu_s = in_own_process(read_all, ledger, own).cpu_s
        found = stored(ledger)
        lines.append(
            f"| {agent} | {len(own)} | {size_mb:.1f} MB | {cpu_s:.2f} s | {cpu_s * 1000 / size_mb:.0f} ms "
            f"| {found.events:,} | {found.text_bytes / 1e6:.1f} MB | {found.file_bytes / size_mb / 1e4:.0f} % |"
        )
    return "\n".join(lines)
