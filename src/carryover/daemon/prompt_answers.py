"""What a running daemon answers to the commands that are called at a prompt, so that these need not load what it has.

An answer is what the command would have found out by itself in the folder it was called in. Where there is anything
beyond the plain case to say (a pause, an excluded project, nothing found), the answer is empty, and the command finds
out and says so by itself.
"""

from __future__ import annotations

import time
from asyncio import to_thread
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover import __version__
from carryover.agents import agent_names, specs
from carryover.config import Config, load_config, project_settings
from carryover.daemon.context import DaemonContext
from carryover.daemon.health import Health, Settled
from carryover.daemon.known_versions import KnownVersions
from carryover.daemon.status_maker import StatusQuestion
from carryover.errors import UserError
from carryover.ledger.ledger_errors import LedgerUnavailable
from carryover.ledger.queries import connect_read_only, project_by_root, whereabouts
from carryover.paths import StateDir
from carryover.publish.moved_folders import roots_that_may_be_here
from carryover.publish.project_root import agent_folders, find_root
from carryover.publish.refresh import made_handoff
from carryover.publish.session_list import listed_sessions

_ALSO_DEPENDS_ON: Final = (
    *("HOME", "TZ", "XDG_CONFIG_HOME"),
    *("GIT_CONFIG_COUNT", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM"),
)
"""Variables beside those that move agents' folders: with other values a command may find out something else."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A command's question. `folder`: absolute, links resolved; None: all projects."""

    folder: str | None = None
    limit: int = 20


class AskedStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The question of `carryover status`. `variables`: what the answer depends on, as they are at the prompt; None asks
    for their names."""

    variables: Mapping[str, str | None] | None = None
    colour: bool = False
    as_json: bool = False


class PromptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer, for a command of the same `version` for which `variables` have these values (None: not set).

    `text`: the handoff, or the status. `sessions`: their list, of the agents that `names` has the names of.
    """

    version: str = __version__
    variables: Mapping[str, str | None] = {}
    text: str | None = None
    sessions: list[dict[str, Any]] | None = None
    names: Mapping[str, str] = {}


class PromptAnswers:
    """See the module. `know` gets the root of a project that is to be read as well, before that is settled; `follow`
    finds what was recorded of it before it was moved."""

    def __init__(
        self,
        context: DaemonContext,
        *,
        settle: Callable[[], Awaitable[Settled]],
        know: Callable[[str], None],
        follow: Callable[[str], Awaitable[object]],
        health: Callable[[], Awaitable[Health]],
    ) -> None:
        self._context = context
        self._settle = settle
        self._know = know
        self._follow = follow
        self._health = health
        self.versions = KnownVersions()
        """What commands found out of the agents' versions."""

    async def handoff(self, asked: Asked) -> PromptAnswer:
        """The handoff of the project that the folder is in, after everything on disk was read."""
        try:
            place = await to_thread(self._place, asked.folder)
            if place is None:
                return PromptAnswer()
            root, config = place
            self._know(root)
            if not (await self._settle()).caught_up:
                return PromptAnswer()
            await self._follow(root)
            text = await to_thread(self._text, root, config)
        except (UserError, LedgerUnavailable, LookupError, OSError):
            return PromptAnswer()
        return PromptAnswer(variables=self._variables(), text=text)

    async def sessions(self, asked: Asked) -> PromptAnswer:
        """The newest sessions of the project that the folder is in, or of all."""
        try:
            listed = await to_thread(self._listed, asked)
        except (UserError, LedgerUnavailable, LookupError, OSError):
            return PromptAnswer()
        return PromptAnswer(variables=self._variables(), sessions=listed or None, names=agent_names())

    async def status(self, asked: AskedStatus) -> PromptAnswer:
        """What `carryover status` shows, or the variables that it depends on.

        Their values come with the question, since a service has another PATH than the user's shell.
        """
        maker = self._context.status
        if maker is None:
            return PromptAnswer()
        try:
            if asked.variables is None:
                return PromptAnswer(variables=dict.fromkeys(await to_thread(maker.variables)))
            env = {name: value for name, value in asked.variables.items() if value is not None}
            question = await self._status_question(asked, env)
            return PromptAnswer(text=None if question is None else await to_thread(maker.text, question))
        except (UserError, LedgerUnavailable, OSError, ImportError):
            return PromptAnswer()

    async def _status_question(self, asked: AskedStatus, env: Mapping[str, str]) -> StatusQuestion | None:
        """None where the command has another home or state folder than this daemon."""
        context = self._context
        if env.get("HOME") != str(context.home) or StateDir.of(env, context.home).root != context.state.root:
            return None
        return StatusQuestion(
            state=context.state,
            home=context.home,
            env=env,
            health=_as_sent(await self._health()),
            versions=lambda learned: self.versions.exchange(learned).versions,
            colour=asked.colour,
            as_json=asked.as_json,
        )

    def _place(self, folder: str | None) -> tuple[str, Config] | None:
        """The project's root and the settings as they are now; None where a handoff is no plain matter."""
        state = self._context.state
        config = load_config(state.config)
        root = self._root(folder, config)
        if root is None or state.paused.exists() or project_settings(Path(root), config).excluded:
            return None
        return root, config

    def _root(self, folder: str | None, config: Config) -> str | None:
        if folder is None or not folder.startswith("/"):
            return None
        context = self._context
        return find_root(
            folder, home=context.home, agents_own=lambda: agent_folders(config.agents, context.home, context.env)
        ).root

    def _text(self, root: str, config: Config) -> str | None:
        context = self._context
        with closing(connect_read_only(context.state.ledger)) as db:
            project = project_by_root(db, root)
            if project is None or roots_that_may_be_here(whereabouts(db), root, by_name=False):
                return None
            return made_handoff(
                db,
                project.id,
                config,
                now_ms=int(time.time() * 1000),
                agents_own=lambda: agent_folders(config.agents, context.home, context.env),
            ).text

    def _listed(self, asked: Asked) -> list[dict[str, Any]]:
        root = self._root(asked.folder, load_config(self._context.state.config))
        if root is None and asked.folder is not None:
            return []
        with closing(connect_read_only(self._context.state.ledger)) as db:
            return listed_sessions(db, root, limit=asked.limit)

    def _variables(self) -> dict[str, str | None]:
        moving = (place.env for spec in specs() for place in (*spec.folders, *spec.other_folders) if place.env)
        env = self._context.env
        return {name: env.get(name) for name in sorted({*_ALSO_DEPENDS_ON, *moving})}


def _as_sent(health: Health) -> Health:
    """`health` as a command receives it: a whole number where a time is expected is one of seconds or ms with `.0`."""
    return msgspec.json.decode(msgspec.json.encode(health), type=Health)
