"""The demo where no agent has been at work: a recorded session, for a daemon with a home folder of its own."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Final

from carryover.cli.demo.replay import make_project, replay
from carryover.cli.demo.throwaway import ThrowAway
from carryover.cli.output import Progress, counted
from carryover.errors import UserError

LINE_PAUSE_S: Final = 0.12
"""Between two lines of the replay: fast enough to watch, slow enough to see that each is followed."""

KEPT_VARIABLES: Final = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""All that is taken over from the surroundings: no variable may lead this daemon to the user's own files."""


def from_recording(place: ThrowAway, *, line_pause_s: float = LINE_PAUSE_S) -> tuple[str, str]:
    """Replay the recorded sessions while a daemon watches; the project's root and its handoff at the end."""
    home = place.root / "home"
    project = home / "shop"
    env = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ} | {"HOME": str(home)}
    make_project(project, env)
    with place.running_daemon(env):
        _watch_replay(place, home / ".claude", project, line_pause_s)
        text = place.published(str(project))
    if text is None:
        raise UserError("The replayed session gave no handoff.")
    return str(project), text


def _watch_replay(place: ThrowAway, claude_home: Path, project: Path, line_pause_s: float) -> None:
    progress = Progress(sys.stdout)
    versions: set[str | None] = {None}
    for step in replay(claude_home, project):
        time.sleep(line_pause_s)
        versions.add(place.published(str(project)))
        progress.update(
            step.number / step.total, f"{step.number} of {step.total} lines written, {_followed(place, versions)}"
        )
    place.settle()
    versions.add(place.published(str(project)))
    progress.finish(f"Followed to the end: {step.total} lines written, {_followed(place, versions)}")


def _followed(place: ThrowAway, versions: set[str | None]) -> str:
    return f"{counted(place.counts().events, 'event')} recorded, {counted(len(versions) - 1, 'version')} of the handoff"
