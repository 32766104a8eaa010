"""The user's settings: `config.toml` in the state folder, and `.carryover.toml` in a project.

The first is the user's own: a mistake in it stops the program with the line to fix. The second may come with the
repository, from strangers: it can choose `resume.mode`, else only less; a mistake in it is skipped with a note.
"""

# No annotations as text (`from __future__`): before it decodes, msgspec 0.22 would compile each of them.
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args

import msgspec

from carryover import project_file
from carryover.agents import agent_ids
from carryover.declared_source import DeclaredSource, names_taken, tables_in
from carryover.errors import ExitCode, UserError, visible
from carryover.facts import DAY_MS, is_foreign
from carryover.fsio import read_bytes_bounded
from carryover.model import NOTE
from carryover.paths import StateDir, expanded
from carryover.probe.looks import Silent, look_at, look_at_each
from carryover.probe.patterns import patterns_naming, paused_with
from carryover.terminal.paths import shell_word
from carryover.text.toml_lines import parsed_toml, required_value, with_line

ResumeMode = Literal["ask", "brief", "silent"]
Pointers = Literal["shared", "local", "off"]
InFiles = Literal["shared", "local", "off", "undecided", "excluded"]
"""What happens to our text in a project's files: what `pointers` says, if anyone decided that and nothing excludes it.
undecided: what an earlier decision put there stays. excluded: all goes but what a commit has, since git would show that
as deleted."""

CONFIG_LIMIT_BYTES: Final = 1 << 20

_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "resume.mode": get_args(ResumeMode),
    "publish.pointers": get_args(Pointers),
}

DEFAULT_PORT: Final = 47_823
DEFAULT_DEPTH: Final = 8000

_NOT_SETTINGS: Final = ("unknown_keys", "paused", "port_is_set")
"""Fields of `Config` that the file cannot set."""

Days = Annotated[int, msgspec.Meta(ge=0, le=36_500)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Pattern = Annotated[str, msgspec.Meta(min_length=1)]


class ResumeConfig(msgspec.Struct, frozen=True):
    """`[resume]`: how a new session is told about the last one."""

    mode: ResumeMode = "ask"
    stale_days: Days = 7
    """An older handoff is presented with its age and without a question."""
    depth: int = DEFAULT_DEPTH
    """Budget, in tokens, of the second page, which a session is asked to read before it goes on; 0 for none."""

    def __post_init__(self) -> None:
        if self.depth in (0, DEFAULT_DEPTH):
            return
        from carryover.distill.handoff import MAX_TOKENS, MOST_TOKENS  # most commands need neither

        if not MAX_TOKENS < self.depth <= MOST_TOKENS:
            raise ValueError(f"`depth` must be 0 or a number from {MAX_TOKENS + 1:,} to {MOST_TOKENS:,}")


class PublishConfig(msgspec.Struct, frozen=True):
    """`[publish]`: what may be written into projects."""

    pointers: Pointers | None = None
    """What may be written into projects. None if not decided; see `Config.pointers`.

    shared: the handoff, a rule in .git/info/exclude, and a pointer in the files that agents read. local: the first
    two, and pointers that git never shows. off: nothing.
    """
    shared_since: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    """When the user agreed to `shared`. A project in which no agent has worked since then gets the handoff alone."""
    projects: Mapping[Pattern, Pointers] = {}
    """Different values of `pointers` by project pattern (see `ProjectsConfig`). The last match applies."""
    active_days: Days = 7
    """A project's files are updated if something happened in it within this many days."""

    def __post_init__(self) -> None:
        for pattern in self.projects:
            Path("/name").match(str(expanded(pattern)))  # raises ValueError for an invalid pattern

    @property
    def active_ms(self) -> int:
        """`active_days` in ms."""
        return self.active_days * DAY_MS


class ServerConfig(msgspec.Struct, frozen=True):
    """`[server]`: where the daemon listens for agents' hooks, on this machine only."""

    port: Port = DEFAULT_PORT
    """The TCP port; 0 for any free port. The default one is replaced if it is taken."""
    page: bool = True
    """Whether the page that `carryover ui` opens is served there too."""


class ProjectsConfig(msgspec.Struct, frozen=True):
    """`[projects]`: globs that select projects.

    A pattern that begins with `/` or `~` is a whole path; any other is compared with the last components of a path. `*`
    stays within one component. A pattern that matches a folder applies to everything below it.
    """

    include: tuple[Pattern, ...] = ()
    """If not empty, only matching projects are covered."""
    exclude: tuple[Pattern, ...] = ()
    """No agent gets the handoff of a matching project."""

    def __post_init__(self) -> None:
        for pattern in (*self.include, *self.exclude):
            Path("/name").match(str(expanded(pattern)))  # raises ValueError for an invalid pattern


class SyncConfig(msgspec.Struct, frozen=True):
    """`[sync]`: how often carryoverd synchronises, once `carryover sync init` has set that up."""

    every: Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,3}[mh])$")] | None = None
    """How often, in minutes or hours: `5m`, `1h`. None or 0: only by `carryover sync`."""


class AgentConfig(msgspec.Struct, frozen=True):
    """`[agents.<id>]`: what install found out about an agent on this machine."""

    roots: tuple[Pattern, ...] = ()
    """Folders of its transcripts; empty for the standard ones."""
    env: Mapping[str, str] = {}
    """The variables that moved its folders at install time; the daemon may be started without them."""
    versions: tuple[str, ...] = ()
    """Versions last reported by its commands, which a shell may not have on its PATH."""

    def __post_init__(self) -> None:
        if not all(expanded(root).is_absolute() for root in self.roots):
            raise ValueError("each of `roots` must begin with / or ~")


class AgentsConfig(msgspec.Struct, frozen=True):
    """`[agents]`: the agents that Carryover is installed for."""

    selected: tuple[str, ...] | None = None
    """Their ids; None if install has not asked yet."""
    known: tuple[str, ...] | None = None
    """Ids of the agents that were found when install or refresh last ran; None if that was not recorded."""
    each: Mapping[str, AgentConfig] = {}
    """The `[agents.<id>]` tables, by id."""

    def of(self, agent_id: str) -> AgentConfig:
        """Returns the recorded facts about one agent."""
        return self.each.get(agent_id, AgentConfig())

    def recorded_env(self) -> dict[str, str]:
        """Returns the variables that moved agents' folders at install time, for commands in another shell."""
        return {name: value for agent in self.each.values() for name, value in agent.env.items()}

    def recorded_versions(self) -> dict[str, tuple[str, ...]]:
        """Returns the versions that each agent's commands last reported, by agent id."""
        return {agent_id: agent.versions for agent_id, agent in self.each.items() if agent.versions}


class Config(msgspec.Struct, frozen=True):
    """All settings. `Config()` applies if there is no file."""

    resume: ResumeConfig = ResumeConfig()
    publish: PublishConfig = PublishConfig()
    server: ServerConfig = ServerConfig()
    projects: ProjectsConfig = ProjectsConfig()
    sync: SyncConfig = SyncConfig()
    agents: AgentsConfig = AgentsConfig()
    sources: tuple[DeclaredSource, ...] = ()
    """Sources of agents that Carryover does not know."""
    unknown_keys: tuple[str, ...] = ()
    """Unknown keys, and selected agents, found in the file, such as `resume.mod (line 3)`. Not a setting."""
    paused: bool = False
    """Whether `carryover pause` is in effect for all projects. Not a setting: a file in the state folder decides."""
    port_is_set: bool = False
    """Whether the file names the port, even the default one. Not a setting."""

    @property
    def port_may_move(self) -> bool:
        """Whether another port will do if `server.port` is taken."""
        return self.server.port == DEFAULT_PORT and not self.port_is_set

    @property
    def pointers(self) -> Pointers:
        """What may be written into projects without their own setting; `local`, undecided, until the user is asked."""
        return self.publish.pointers or "local"

    def reads(self, agent_id: str) -> bool:
        """Whether this agent's transcripts are read."""
        return not self.paused and self.selects(agent_id)

    def selects(self, agent_id: str) -> bool:
        """Whether this agent is selected; before an install, all are. One whose source is declared always is."""
        selected = self.agents.selected
        return selected is None or agent_id in selected or any(source.agent == agent_id for source in self.sources)


class ProjectSettings(msgspec.Struct, frozen=True):
    """The settings in effect for one project."""

    resume_mode: ResumeMode = "ask"
    resume_depth: int = DEFAULT_DEPTH
    pointers: Pointers = "shared"
    decided: bool = True
    """Whether anyone decided on `pointers`. If not, no file gets one, and what an earlier decision put there stays."""
    since_ms: int = 0
    """`pointers` applies in full once an agent has worked in the project after this time (UTC ms): see `at`."""
    agreed_ms: int = 0
    """When the user last agreed to `shared` (UTC ms). What git takes away afterwards is not written again."""
    agents: tuple[str, ...] | None = None
    """Ids of the selected agents; None means all."""
    excluded: str | None = None
    """Why the project is excluded, for people; None if it is not."""
    notes: tuple[str, ...] = ()
    """Settings in the project's own file that were skipped, and why."""

    @property
    def is_inside(self) -> bool:
        """Whether the handoff is written, which is into the project."""
        return self.excluded is None and self.pointers != "off"

    @property
    def in_files(self) -> InFiles:
        """What happens to our text in the project's files: see `InFiles`."""
        if self.excluded is not None:
            return "excluded"
        return self.pointers if self.decided else "undecided"

    def at(self, worked_ms: int) -> Self:
        """Returns the settings for an agent's last work at `worked_ms` (UTC ms): see `PublishConfig.shared_since`."""
        if worked_ms >= self.since_ms:
            return self
        return msgspec.structs.replace(self, pointers="local", decided=False, since_ms=0)


_SILENT: Final = ProjectSettings(excluded="its disk, which does not answer")


def load_config(path: Path) -> Config:
    """Reads the settings from `path`; a missing file means the defaults. Raises UserError (REFUSED), naming the line,
    if the file can't be read, is not TOML, or has an invalid value.
    """
    try:
        text = read_bytes_bounded(path, CONFIG_LIMIT_BYTES).decode("utf-8-sig")
        data = in_no_folder(project_file.with_present_pointers(_with_agents_apart(parsed_toml(text))))
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise _refused(f"{path} can't be read ({error.strerror}).", "Repair it") from error
    except UnicodeDecodeError as error:
        raise _refused(f"{path} is not UTF-8 text.", "Save it as UTF-8") from error
    except ValueError as error:  # TOMLDecodeError
        raise _refused(f"{path} is not valid TOML: {error}.", "Repair that line") from error
    unknown = [*project_file.unknown_keys(data, Config, without=_NOT_SETTINGS)]
    for agent, table in _agent_tables(data).items():
        known = agent in agent_ids()
        unknown += project_file.unknown_keys(table, AgentConfig, f"agents.{agent}.") if known else [f"agents.{agent}"]
    for place, table in enumerate(tables_in(data)):
        unknown += project_file.unknown_keys(table, DeclaredSource, f"sources[{place}].")
    for not_a_setting in _NOT_SETTINGS:
        data.pop(not_a_setting, None)
    try:
        config = msgspec.convert(data, Config)
    except msgspec.ValidationError as error:
        what, _, key = str(error).rstrip("`").partition(" - at `$.")
        key = _as_in_file(key, data)
        what = required_value(what, _CHOICES.get(key, ()))
        raise _refused(f"{path}: {with_line(text, key)}: {what}.", "Correct the value") from error
    for place, agent in names_taken(config.sources, {*agent_ids(), NOTE}):
        line = with_line(text, f"sources[{place}].agent")
        raise _refused(f"{path}: {line}: {agent!r} is the name of another agent.", "Choose another name")
    lines = [with_line(text, key) for key in unknown]
    others = (agent for agent in config.agents.selected or () if agent not in agent_ids())
    lines += [with_line(text, "agents.selected") + f": {agent}" for agent in others]
    port_is_set = "port" in data.get("server", ())
    return msgspec.structs.replace(config, unknown_keys=tuple(map(visible, lines)), port_is_set=port_is_set)


def in_no_folder(data: dict[str, Any]) -> dict[str, Any]:
    """Returns a trial version's settings, which had a folder for handoffs, as today's: none goes into projects."""
    publish = data.get("publish")
    if not isinstance(publish, dict) or not isinstance(publish.get("folder"), str):
        return data
    others = {key: value for key, value in publish.items() if key != "folder"}
    return {**data, "publish": {**others, "pointers": "off", "projects": {}}}


def settings_or_defaults(state: StateDir) -> tuple[Config, str | None]:
    """Returns the settings, for commands that only print; if they can't be used, the defaults, and why not."""
    try:
        return load_config(state.config), None
    except UserError as error:
        return Config(), f"carryover: {error} Until then commands that only print use the defaults."


def settings_now(state: StateDir) -> Config:
    """Returns the settings, including whether `carryover pause` is in effect. Raises UserError: see `load_config`."""
    return msgspec.structs.replace(load_config(state.config), paused=state.paused.exists())


def project_settings(root: Path, config: Config) -> ProjectSettings:
    """Returns the settings of the project at `root`: the user's, reduced if the project's own file asks for less.

    A project whose disk does not answer is excluded, since its file may ask for that.
    """
    try:
        return look_at(root, partial(_settings_of, root, config))
    except Silent:
        return _SILENT


def settings_of_each(roots: Iterable[Path], config: Config) -> list[ProjectSettings]:
    """Does what `project_settings` does for several projects, in one thread as long as their disks answer."""
    roots = [*roots]
    found = dict(look_at_each(roots, partial(_settings_of, config=config)))
    return [found.get(root, _SILENT) for root in roots]


def refuse_excluded(root: str, config: Config) -> None:
    """Raises UserError (REFUSED) if the project at `root` is excluded."""
    if excluded := project_settings(Path(root), config).excluded:
        how = what_includes(root, excluded, config)
        raise UserError(f"{root} is left out of Carryover: excluded by {excluded}.{how}", ExitCode.REFUSED)


def what_includes(root: str, excluded: str, config: Config) -> str:
    """Returns the sentence, after a space, that says how to include an `excluded` project; "" if only its owner can."""
    folder = paused_with(root, config.projects.exclude) if "config.toml" in excluded else None
    by_hand = " Change that there to include it again." if ".toml" in excluded else ""
    return by_hand if folder is None else f" `carryover unpause {shell_word(folder)}` includes it again."


def _settings_of(root: Path, config: Config) -> ProjectSettings:
    own, notes = project_file.read_project_file(root) if not is_foreign(str(root)) else ({}, [])
    named, since = _pointers_set_for(root, config), config.publish.shared_since
    pointers = named or config.pointers
    notes += project_file.misplaced(own)
    asked_mode = project_file.choice(own, ("resume", "mode"), get_args(ResumeMode), config.resume.mode, notes)
    asked_pointers = project_file.choice(own, ("publish", "pointers"), get_args(Pointers), pointers, notes)
    if asked_pointers is not None:
        pointers = max(pointers, asked_pointers, key=get_args(Pointers).index)
        if pointers != asked_pointers:
            notes.append(f"{project_file.PROJECT_FILE}: publish.pointers may only be lowered; it stays {pointers}")
    agreed_ms = int(since.timestamp() * 1000) if since is not None and pointers == "shared" else 0
    return ProjectSettings(
        resume_mode=asked_mode or config.resume.mode,
        resume_depth=_depth(own, config.resume.depth, notes),
        pointers=pointers,
        # A clone's own file can only ask for less: before its user decided, for none.
        decided=asked_pointers == "off" or bool(named or config.publish.pointers),
        since_ms=agreed_ms if named is None else 0,
        agreed_ms=agreed_ms,
        agents=config.agents.selected,
        excluded=_excluded_by(root, own, config),
        notes=tuple(notes),
    )


def _pointers_set_for(root: Path, config: Config) -> Pointers | None:
    set_for = config.publish.projects
    found = [set_for[pattern] for pattern in patterns_naming(root, set_for)]
    return found[-1] if found else None


def _depth(data: Mapping[str, Any], users: int, notes: list[str]) -> int:
    value = project_file.own_value(data, "resume", "depth")
    try:
        asked = users if value is None else msgspec.convert({"depth": value}, ResumeConfig).depth
    except msgspec.ValidationError as error:
        what = required_value(str(error).partition(" - at ")[0])
        notes.append(f"{project_file.PROJECT_FILE}: resume.depth: {what}; it is ignored, and {users} holds")
        return users
    if asked > users:  # a stranger's repository could have the user's agent read as much at each start
        notes.append(f"{project_file.PROJECT_FILE}: resume.depth may only be lowered; it stays {users}")
    return min(asked, users)


def _excluded_by(root: Path, own: Mapping[str, Any], config: Config) -> str | None:
    if config.paused:
        return "`carryover pause`"
    if own.get("exclude") is True:
        return f"the project's own {project_file.PROJECT_FILE}"
    for pattern in patterns_naming(root, config.projects.exclude):
        return f"[projects] exclude = {pattern!r} in config.toml"
    if config.projects.include and next(patterns_naming(root, config.projects.include), None) is None:
        return "[projects] include in config.toml, which does not name it"
    return None


def _with_agents_apart(data: dict[str, Any]) -> dict[str, Any]:
    """Returns `data` with `[agents.<id>]` below `each`, as in the struct."""
    table = data.get("agents")
    if not isinstance(table, dict):
        return data
    each = {key: value for key, value in table.items() if isinstance(value, dict)}
    own = {key: value for key, value in table.items() if key not in each}
    return {**data, "agents": {**own, "each": each}}


def _agent_tables(data: Mapping[str, Any]) -> Mapping[str, dict[str, Any]]:
    agents = data.get("agents")
    return agents["each"] if isinstance(agents, dict) else {}


def _as_in_file(key: str, data: Mapping[str, Any]) -> str:
    for place, table in enumerate(tables_in(data)) if key.startswith("sources[") else ():
        try:
            msgspec.convert(table, DeclaredSource)
        except msgspec.ValidationError:
            return key.replace("sources[...]", f"sources[{place}]")
    for agent, settings in _agent_tables(data).items() if key.startswith("agents.each[") else ():
        try:
            msgspec.convert(settings, AgentConfig)
        except msgspec.ValidationError:
            return key.replace("agents.each[...]", f"agents.{agent}")
    return key


def _refused(what: str, remedy: str) -> UserError:
    return UserError(f"{what} {remedy}, or move the file away to use the defaults.", ExitCode.REFUSED)
