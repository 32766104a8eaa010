"""The folders that the daemon reads transcripts from: the agents' own, and known projects that contain sources."""

from __future__ import annotations

from pathlib import Path

from carryover.config import Config, project_settings
from carryover.daemon.context import DaemonContext
from carryover.ingest.in_projects import KnownProjects, roots_in_projects
from carryover.ingest.scan import TranscriptRoot, roots_to_read


class ReadRoots:
    """The roots to read under the present settings. Thread-safe."""

    def __init__(self, context: DaemonContext) -> None:
        self._context = context
        self._known = KnownProjects(context.state.ledger)
        self._folders: tuple[Config | None, tuple[TranscriptRoot, ...]] = (None, ())

    def know(self, root: str) -> None:
        """Adds a project that a command asked about, which the ledger may not know yet."""
        self._known.add(Path(root))

    @property
    def asked(self) -> tuple[str, ...]:
        """The roots of the projects that commands asked about."""
        return tuple(map(str, self._known.asked))

    def all(self) -> tuple[TranscriptRoot, ...]:
        """Returns the agents' folders and the projects. Blocks."""
        return (*self.folders(), *self.projects())

    def of_hooks(self) -> tuple[TranscriptRoot, ...]:
        """Returns the roots of agents whose hooks may call, without checking every project first."""
        return (*self.folders(), *self.projects(having_hooks=True))

    def folders(self) -> tuple[TranscriptRoot, ...]:
        """Returns the agents' folders. They depend only on the settings, so they are computed once for each."""
        context = self._context
        config, found = self._folders
        if config is not context.config:
            config = context.config
            found = roots_to_read(context.agents.values(), config, context.home, context.env)
            self._folders = config, found
        return found

    def projects(self, *, having_hooks: bool = False) -> tuple[TranscriptRoot, ...]:
        """Returns the known projects that contain sources to be read. Blocks, unless no agent keeps any there.

        `having_hooks`: only sources of agents with hooks.
        """
        config = self._context.config
        agents = [
            agent
            for agent in self._context.agents.values()
            if agent.in_projects and config.reads(agent.id) and (agent.hooks is not None or not having_hooks)
        ]
        if not agents:
            return ()
        found = roots_in_projects(agents, self._known.folders())
        return tuple(root for root in found if not project_settings(root.path, config).excluded)
