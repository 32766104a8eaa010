"""The projects that an install names are those that a daemon would write into."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from carryover.actions.context import state_dir
from carryover.actions.first_read import active_projects
from carryover.config import Config, ProjectsConfig, PublishConfig

AGENTS = ("claude-code",)


def found(config: Config | None = None, agents: tuple[str, ...] = AGENTS) -> tuple[Path, ...]:
    return tuple(active_projects(state_dir(), config or Config(), agents))


def test_later_they_are_those_of_the_ledger(recorded: Path, home: Path) -> None:
    shutil.rmtree(home / ".claude")

    assert found(Config(publish=PublishConfig(active_days=36_500))) == (recorded,)


def test_what_is_left_alone_is_not_named(shop: Path, home: Path) -> None:
    assert found(Config(projects=ProjectsConfig(exclude=("shop",)))) == ()
    long_ago = time.time() - 30 * 86_400
    for path in (home / ".claude").rglob("*.jsonl"):
        os.utime(path, (long_ago, long_ago))
    assert found() == ()
    shutil.rmtree(shop)
    assert found(Config(publish=PublishConfig(active_days=60))) == ()
