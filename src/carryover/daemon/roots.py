"""Where the daemon looks for transcripts: the agents' folders, and the known projects that hold sources themselves."""

from __future__ import annotations

from pathlib import Path

from carryover.config import Config, project_settings
from carryover.daemon.context import DaemonContext
from carryover.ingest.in_projects import KnownProjects, roots_in_projects
from carryover.ingest.scan import TranscriptRoot, roots_to_read


class ReadRoots:
    """See the module. All of it is by the settings that hold now; may be asked by threads."""

    def __init__(self, context: DaemonContext) -> None:
        self._context = context
        self._known = KnownProjects(context.state.ledger)
        self._folders: tuple[Config | None, tuple[TranscriptRoot, ...]] = (None, ())

    def know(self, root: str) -> None:
        """Records a project that was asked about, which the ledger need not know yet."""
        self._known.add(Path(root))

    @property
    def asked(self) -> tuple[str, ...]:
        """The roots of the projects that somebody asked about."""
        return tuple(map(str, self._known.asked))

    def all(self) -> tuple[TranscriptRoot, ...]:
        """The agents' folders and the projects. Blocks."""
        return (*self.folders(), *self.projects())

    def of_hooks(self) -> tuple[TranscriptRoot, ...]:
        """The roots of agents whose hooks may call: a call does not wait until every project was looked at."""
        return (*self.folders(), *self.projects(having_hooks=True))

    def folders(self) -> tuple[TranscriptRoot, ...]:
        """The agents' folders. They follow from the settings alone, so they are worked out once for each."""
        context = self._context
        config, found = self._folders
        if config is not context.config:
            config = context.config
            found = roots_to_read(context.agents.values(), config, context.home, context.env)
            self._folders = config, found
        return found

    def projects(self, *, having_hooks: bool = False) -> tuple[TranscriptRoot, ...]:
        """The known projects that hold sources which are read. Blocks, unless no agent keeps any there.

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
