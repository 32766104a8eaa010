"""The folders in which agents keep their transcripts, now and when Carryover was installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from carryover.adapter.spec import AgentSpec
from carryover.config import AgentsConfig
from carryover.paths import StateDir


class TranscriptRoot(msgspec.Struct, frozen=True):
    """A folder that holds transcripts of one agent. Of a project, only its direct entries and `files` are sources, and
    `files` are those that exist."""

    agent_id: str
    path: Path
    in_project: bool = False
    files: tuple[Path, ...] = ()

    @property
    def watched(self) -> tuple[Path, ...]:
        """Folders in which a source may change."""
        return tuple(dict.fromkeys((self.path, *(file.parent for file in self.files))))


def recorded_roots(
    specs: Iterable[AgentSpec], agents: AgentsConfig, home: Path, env: Mapping[str, str]
) -> tuple[TranscriptRoot, ...]:
    """Returns the folders of now, what install recorded (a daemon may lack the shell's variables), and kept hook calls.

    They need not exist.
    """
    env = dict(env)  # os.environ decodes each variable whenever it is read
    found: dict[TranscriptRoot, None] = {}
    for spec in specs:
        known = agents.of(spec.id)
        paths = [*spec.roots(home, {**known.env, **env}), *(Path(root).expanduser() for root in known.roots)]
        if spec.is_spooled:
            paths.append(StateDir.of(env, home).spool / spec.id)
        found.update(dict.fromkeys(TranscriptRoot(spec.id, path) for path in paths))
    return tuple(found)
