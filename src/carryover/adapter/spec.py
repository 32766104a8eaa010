"""The data that Carryover needs to install itself in an agent: one `AgentSpec` per agent.

Nothing here examines the machine; `carryover.install.detect` does, using the specs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from carryover.model import is_plain_id
from carryover.platform import LINUX as LINUX
from carryover.platform import MACOS as MACOS
from carryover.platform import here
from carryover.text.yaml_list import YamlList

AGENTS_MD: Final = "AGENTS.md"
"""The instruction file that many agents share. All others belong to one agent."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A file or folder of the user whose default location an environment variable may change."""

    path: str
    """The default location; `~/` is the home folder."""
    env: str | None = None
    """The variable that changes it. Unset and blank are the same."""
    below: str = ""
    """Path below the folder that the variable names; empty for the folder itself."""
    platforms: tuple[str, ...] = ()
    """The platforms on which it exists; empty: all."""

    def at(self, home: Path, env: Mapping[str, str]) -> Path:
        """Returns the absolute path. A relative path in the variable is resolved against the home folder."""
        moved = env.get(self.env, "").strip() if self.env else ""
        if not moved:
            return _below_home(self.path, home)
        return _below_home(moved, home) / self.below

    def __truediv__(self, below: str) -> Place:
        """Returns the place below this folder, wherever its variable moves it.

        >>> Place(path="~/.scribe", env="SCRIBE_HOME") / "talks"
        Place(path='~/.scribe/talks', env='SCRIBE_HOME', below='talks', platforms=())
        """
        within = below if not self.below else f"{self.below}/{below}"
        return msgspec.structs.replace(self, path=f"{self.path}/{below}", below=within if self.env else "")

    @property
    def is_toml(self) -> bool:
        """Whether it is a file in TOML."""
        return self.path.endswith(".toml")


CONFIG: Final = Place(path="~/.config", env="XDG_CONFIG_HOME")
DATA: Final = Place(path="~/.local/share", env="XDG_DATA_HOME")
"""Where programs of Linux keep settings and data."""
SPOOL: Final = Place(path="spool")
"""Among an agent's transcripts: what its hooks receive says more than its other records, if there are any, so it is
stored in `<state>/spool/<id>`, one file per session (`carryover.transcript.spooled`), and read like a transcript.
`hook.sh` prints no answer for such hooks."""


PROJECT: Final = Place(path="project")
"""Among the places of an agent's commands: the root of each project."""


def application_places(below: str) -> tuple[Place, ...]:
    """Returns the data folder `below` of a desktop application, as Electron places it on each system."""
    return (
        msgspec.structs.replace(CONFIG / below, platforms=(LINUX,)),
        Place(path=f"~/Library/Application Support/{below}", platforms=(MACOS,)),
    )


class HookEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One hook to install."""

    event: str
    """The event's name in the agent's own spelling."""
    timeout_s: int
    """Seconds that the agent waits for the hook."""
    also: Mapping[Literal["matcher", "name"], str] = {}
    """What JSON settings hold beside it: the `matcher` of its group, or the `name` that the agent displays."""


HookForm = Literal["nested", "flat", "plain", "extension"]
"""How an agent's settings hold hooks, see `HookSpec.form`."""
Form = Literal[HookForm, "tables", "list", "server"]
"""How our text is in an agent's settings: as hooks, in `tables` those in TOML, see `edits.hooks`; or as an entry in a
list of files to load (`list`) or of MCP servers (`server`), see `edits.entries`."""
TimeoutUnit = Literal["s", "ms"]
TIMEOUT_UNITS: Final[dict[TimeoutUnit, int]] = {"s": 1, "ms": 1000}
"""Units of hook time limits in settings → units per second."""


class HookSet(msgspec.Struct, frozen=True, kw_only=True):
    """The hooks from a version on, up to the next set."""

    since: str
    """The version, of which only the release is compared."""
    hooks: tuple[HookEntry, ...]

    @property
    def events(self) -> tuple[str, ...]:
        """The hooks' events, in the order in which they are installed."""
        return tuple(hook.event for hook in self.hooks)


class InstalledHook(msgspec.Struct, frozen=True):
    """Where a hook of ours stands in an agent's settings. `group` and `number` are counted from 0."""

    files: tuple[Path, ...]
    """The paths by which the agent may know the file."""
    event: str
    group: int
    number: int


class UserSetting(msgspec.Struct, frozen=True, kw_only=True):
    """What something in the user's settings of an agent means for Carryover."""

    kind: Literal["off", "review", "folder"]
    """off: all hooks are switched off. review: a hook does not run before the user has reviewed it. folder: the agent
    does not start because a folder is missing."""
    by: str
    """The setting or variable, such as `features.hooks = false`; of a review, what the user has to do, in sentences."""
    at: Path
    """The file with the setting or with the records of reviews, or the missing folder."""


class OnMachine(msgspec.Struct, frozen=True, kw_only=True):
    """An agent on this machine, for `AgentSpec.user_settings`."""

    located: Callable[[Place], Path]
    values: Callable[[Place], Mapping[str, Any]]
    """The values in JSON or TOML settings; empty if there are none or they can't be read."""
    moved: Mapping[str, str] = {}
    """Variables that move its files."""
    version: tuple[int, ...] = ()
    """Its release, such as (0, 169, 0); empty if unknown."""
    hook: InstalledHook | None = None
    """One of our hooks."""


class Starter(msgspec.Struct, frozen=True, kw_only=True):
    """How to start the agent by its usual command, in the current folder, so that it continues the work."""

    args: tuple[str, ...] = ("{prompt}",)
    """`{prompt}` is a first prompt that names the handoff, `{handoff}` the path of the handoff."""
    resume: tuple[str, ...] = ()
    """Arguments that resume the session `{session}`; empty if the agent can't resume one by its id."""
    not_resumed: str = ""
    """Sentence about sessions that it can't resume."""

    def resuming(self, conversation: str) -> tuple[str, ...] | None:
        """Returns the arguments that continue a conversation; None if its id could be taken for something else."""
        if not is_plain_id(conversation):
            return None
        return tuple(arg.replace("{session}", conversation) for arg in self.resume)

    def arguments(self, prompt: str, handoff: str) -> tuple[str, ...]:
        """Returns the arguments for a new session."""
        return tuple(arg.replace("{prompt}", prompt).replace("{handoff}", handoff) for arg in self.args)


class InstructionFile(msgspec.Struct, frozen=True, kw_only=True):
    """A project file that an agent reads unprompted, and in which we put a pointer to the handoff.

    AGENTS.md is created if it is missing. Another one gets the pointer only if it has text from the user and doesn't
    import AGENTS.md.
    """

    name: str
    hidden_by: tuple[str, ...] = ()
    """Files beside it that the agent reads instead."""


class LocalFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of rules that this agent alone reads unprompted, made for the pointer where git must show nothing and
    AGENTS.md can't be or is not read."""

    name: str
    """Path below the project's root."""
    head: str = ""
    """What the agent needs before the pointer, such as front matter."""


class HookSpec(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's hooks: the files they are written to, their events, and what can keep them from running."""

    config_files: tuple[Place, ...] = ()
    """Settings files that may hold our hooks: of JSON files the first that exists, else the first. One in TOML holds
    them nested (`[[hooks.SessionStart]]`) and is taken if other hooks are there: the agent warns about hooks in both.
    """
    form: HookForm = "nested"
    """How settings hold hooks.

    nested: `{"hooks": {event: [{"matcher", "hooks": [{"type": "command", "command", "timeout"}]}]}}`
    flat: `{"version": 1, "hooks": {event: [{"command", "timeout"}]}}`, where version and hooks must be there
    plain: `{"hooks": {event: [{"command", "show_output"}]}}`, which knows no time limit
    extension: a program of ours that the agent loads, `extension`, in a file of its own
    """
    extension: Path | None = None
    """For that form: the program, in which `@HOOKS@` stands for the hooks, as in the form `plain`."""
    timeout_unit: TimeoutUnit = "s"
    sets: tuple[HookSet, ...] = ()
    """Hook sets by the versions from which they count, the oldest first."""
    unknown_from: str = ""
    """The first version of which nothing is known: it gets the newest hooks, and messages say so. Empty: none."""
    injects_on: tuple[str, ...] = ()
    """Events whose hook can put text into the session's context."""
    prompts_on: tuple[str, ...] = ()
    """Events whose hook can add text to a prompt. The hook waits no longer than 0.5 s for it."""
    comments: bool = False
    """Whether JSON settings may have comments (`//`, `/* */`) and trailing commas."""
    drops: Callable[[Mapping[str, Any]], str | None] | None = None
    """The values of JSON settings → why the agent drops the whole file, with every hook in it, as a clause; None if it
    does not. Of such an agent, only events that every version knows are written if its version is unknown."""

    @property
    def events(self) -> tuple[str, ...]:
        """The events of all versions, in the agent's own spelling."""
        return tuple(dict.fromkeys(event for known in self.sets for event in known.events))


LOADS: Final = "instructions"
"""The list in settings of files to load (opencode 1.18.33, Kilo 7.7.9)."""


class WebChat(msgspec.Struct, frozen=True, kw_only=True):
    """The browser chat of the agent's maker, which can't see files. `carryover export` makes a document for it."""

    id: str
    """Name of the chat for `carryover export --for`."""
    name: str
    budget: int
    """Default token limit for a document for it."""
    tokens_percent: int = 125
    """Tokens that its models count per 100 estimated ones; if that is unknown, better too many than too few."""


class McpServers(msgspec.Struct, frozen=True, kw_only=True):
    """The user's own list of MCP servers, for all projects; `install --mcp` enters Carryover's."""

    files: tuple[Place, ...]
    """JSON or TOML settings, by their extension. The first one with the list counts, else the first one that exists."""
    key: str
    """The top-level object or table that holds one server per name, or a list of servers if `also` has a `name`."""
    also: Mapping[str, Any] = {}
    """What an entry needs beside the command."""
    in_one_list: bool = False
    """Whether the command and its arguments are one list, and its variables are in `environment`."""

    def entry(self, command: Sequence[str], env: Mapping[str, str]) -> dict[str, Any]:
        """Returns the entry of a server that `command` starts, with the variables `env` beside the usual ones."""
        if self.in_one_list:
            return {**self.also, "command": list(command), **({"environment": dict(env)} if env else {})}
        return {**self.also, "command": command[0], "args": [*command[1:]], **({"env": dict(env)} if env else {})}


class AgentSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One agent as it is installed on people's machines."""

    id: str
    name: str
    """Name in the list of agents."""
    short_name: str = ""
    """Name in handoffs and messages; empty: `name`."""
    aliases: tuple[str, ...] = ()
    """Other names, in lower case, by which a hook may call it."""
    binaries: tuple[str, ...]
    """Names of its command, the usual one first. If there are several and it has hooks, they may be separate programs
    (an editor, a terminal client) with the same settings: each is asked for its version, and only hooks that all of
    them know are written."""
    folders: tuple[Place, ...]
    """Folders that show that the agent is used, even if its command is not found (inside an editor)."""
    other_folders: tuple[Place, ...] = ()
    """More folders with its data. Their existence does not show that the agent is used."""
    binary_folders: tuple[Place, ...] = ()
    """Where its command may be, besides PATH and the usual places."""
    version: str = r"^(\d{1,9}\.\d{1,9}\.\d{1,9})(?![\d.])"
    """What its command prints with `--version`: a regular expression matched at the beginnings of lines (MULTILINE),
    whose group 1 is the version."""
    hooks: HookSpec = HookSpec()
    """Without sets it has none."""
    loads_from: tuple[Place, ...] = ()
    """JSON settings that may list, at the top-level `LOADS`, files that the agent loads with each request; `install`
    adds `loaded_file`. First the file that is made if none exists, then all in the order in which the agent reads them:
    the last one with the list counts. Empty if there is no such list, or its hooks inject the handoff."""
    mcp: tuple[McpServers, ...] = ()
    """One for each of its programs that has a list of its own; empty if it knows no MCP servers."""
    transcripts: tuple[Place, ...] = ()
    """Folders that hold its transcripts, or `SPOOL`."""
    instructions: tuple[InstructionFile, ...] = ()
    """Project files that it reads unprompted and in which we put a pointer. Of several, it reads the first that has
    text."""
    local_file: LocalFile | YamlList | None = None
    """A file in each project that brings the handoff to it alone: one that is made, or its own list of files to load.
    None if only files that others read too can."""
    guidance: tuple[str, ...] = ()
    """More project files that tell it how to work (rules, skills), as patterns below the project's root."""
    commands: Mapping[Place, tuple[str, ...]] = {}
    """Where the texts are that it puts into a prompt by their name (commands, prompts, skills): folders, `PROJECT` for
    each project's root, and patterns below them."""
    web_chats: tuple[WebChat, ...] = ()
    start: Starter | None = None
    """None if it can't be started with a prompt."""
    also: tuple[str, ...] = ()
    """Its other programs whose sessions are in the same places and are read too, as people name them."""
    user_settings: Callable[[OnMachine], Iterable[UserSetting]] | None = None
    """What the user's settings of the agent mean for Carryover; None: nothing. Reads files."""

    def roots(self, home: Path, env: Mapping[str, str], platform: str | None = None) -> tuple[Path, ...]:
        """Returns the agent's own folders that may hold transcripts, on this or that platform; they need not exist."""
        places = places_on(self.transcripts, platform or here().name)
        return tuple(dict.fromkeys(place.at(home, env) for place in places if place != SPOOL))

    @property
    def is_spooled(self) -> bool:
        """Whether what its hooks receive is stored."""
        return SPOOL in self.transcripts

    @property
    def loaded_file(self) -> str:
        """The path of the handoff that this agent loads, below a project. It is a file of its own: the agent's own work
        does not change it (see `publish.loaded_files`)."""
        return f".carryover/handoff-{self.id}.md"

    @property
    def instead_of_agents_md(self) -> str | None:
        """The file that it reads in place of AGENTS.md if that has text."""
        names = [file.name for file in self.instructions]
        return names[0] if AGENTS_MD in names[1:] else None

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that change the location of the agent's files, each once."""
        folders = (*self.folders, *self.other_folders, *self.binary_folders, *self.transcripts)
        servers = (place for servers in self.mcp for place in servers.files)
        places = (*folders, *self.loads_from, *servers, *self.hooks.config_files)
        return tuple(dict.fromkeys(place.env for place in places if place.env))


def places_on(places: tuple[Place, ...], platform: str) -> tuple[Place, ...]:
    """Returns those of `places` that exist on a platform (see `carryover.platform`)."""
    return tuple(place for place in places if not place.platforms or platform in place.platforms)


@lru_cache(1024)  # all places of all agents are asked for again and again
def _below_home(path: str, home: Path) -> Path:
    return home / path.removeprefix("~").lstrip("/") if path.split("/")[0] == "~" else home / path
