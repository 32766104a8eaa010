"""The data that Carryover needs to install itself in an agent: one `AgentSpec` per agent.

Nothing here examines the machine; `carryover.install.detect` does, using the specs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from carryover.adapter.file_list import FileList
from carryover.model import is_plain_id
from carryover.platform import LINUX as LINUX
from carryover.platform import MACOS as MACOS
from carryover.platform import here

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


def application_places(below: str) -> tuple[Place, ...]:
    """Returns the data folder `below` of a desktop application, as Electron places it on each system."""
    return (
        Place(path=f"~/.config/{below}", env="XDG_CONFIG_HOME", below=below, platforms=(LINUX,)),
        Place(path=f"~/Library/Application Support/{below}", platforms=(MACOS,)),
    )


class VersionProbe(msgspec.Struct, frozen=True, kw_only=True):
    """How to ask an agent for its version."""

    args: tuple[str, ...] = ("--version",)
    pattern: str = r"^(\d{1,9}\.\d{1,9}\.\d{1,9})(?![\d.])"
    """Regular expression matched at the beginnings of lines (MULTILINE); group 1 is the version."""
    limit_s: float = 5.0
    """Seconds that it may take, at most 5: a person waits for it."""


class HookEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One hook to install."""

    event: str
    """The event's name in the agent's own spelling."""
    timeout_s: int
    """Seconds that the agent waits for the hook."""
    matcher: str | None = None


Form = Literal["nested", "flat", "plain", "extension", "tables", "list", "server"]
"""The layout of hooks in settings, see `edits.hooks`. `list`, `server`: ours is an entry, see `edits.entries`."""
TimeoutUnit = Literal["s", "ms"]
TIMEOUT_UNITS: Final[dict[TimeoutUnit, int]] = {"s": 1, "ms": 1000}
"""Units of hook time limits in settings → units per second."""


class HookSet(msgspec.Struct, frozen=True, kw_only=True):
    """The hooks for a range of versions."""

    versions: str
    """The range, by bounds with `>=` and `<`: `>=1.0.62,<1.0.85`. Only released versions are compared."""
    label: str
    """The range as people read it: `2.x`."""
    hooks: tuple[HookEntry, ...]

    @property
    def events(self) -> tuple[str, ...]:
        """The hooks' events, in the order in which they are installed."""
        return tuple(hook.event for hook in self.hooks)


class HookFileRules(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's rules for its JSON hooks file. A file that breaks one is ignored as a whole, with every hook in it."""

    root_keys: tuple[str, ...] = ()
    """The only keys that its root may have; empty: any."""
    handler_types: tuple[str, ...] = ()
    """The only types that a hook may have; empty: any, or hooks have no type."""
    comments: bool = False
    """Whether comments (`//`, `/* */`) and trailing commas are allowed."""
    known_events_only: bool = False
    """Whether an event unknown to the installed version breaks a rule, too."""


class HookSwitch(msgspec.Struct, frozen=True, kw_only=True):
    """A setting that turns all hooks off."""

    file: Place
    """A JSON or TOML file, by its extension."""
    key: tuple[str, ...]
    """Path of keys from the root."""
    off: bool
    """The value that turns them off."""


class InstalledHook(msgspec.Struct, frozen=True):
    """Where a hook stands in an agent's settings. `group` and `number` are counted from 0."""

    file: Path
    event: str
    group: int
    number: int


class HookReview(msgspec.Struct, frozen=True, kw_only=True):
    """The review that people must do before the agent runs new or changed hooks, and where the agent records it.

    Carryover only checks that the record exists. It neither interprets nor writes it.
    """

    versions: str
    """The versions that require it, as in `HookSet`."""
    what: str
    """Instructions for people, in whole sentences."""
    state_file: Place
    """The TOML file with the agent's records."""
    has_reviewed: Callable[[Mapping[str, Any], InstalledHook], bool]
    """The values of that file, and a hook → whether there is a record of its review."""


class Starter(msgspec.Struct, frozen=True, kw_only=True):
    """How to start the agent, in the current folder, so that it continues the work."""

    binary: str
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


class InstructionLimit(msgspec.Struct, frozen=True, kw_only=True):
    """The most that the agent reads of a project's instruction files in total; it cuts off the rest."""

    file: Place
    """TOML settings whose top-level `key` changes the limit, in bytes."""
    key: str
    default_bytes: int


class InstructionFile(msgspec.Struct, frozen=True, kw_only=True):
    """A project file that an agent reads unprompted, and in which we put a pointer to the handoff.

    AGENTS.md is created if it is missing. Another one gets the pointer only if it has text from the user and doesn't
    import AGENTS.md.
    """

    name: str
    hidden_by: tuple[str, ...] = ()
    """Files beside it that the agent reads instead."""
    limit: InstructionLimit | None = None


class LocalFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of rules that this agent alone reads unprompted, made for the pointer where git must show nothing."""

    name: str
    """Path below the project's root."""
    head: str = ""
    """What the agent needs before the pointer, such as front matter."""
    beside: str = ""
    """It is made where this file has text, in place of which the agent does not read AGENTS.md. Empty: it is made where
    AGENTS.md can't be."""


class ReadList(msgspec.Struct, frozen=True, kw_only=True):
    """A list of files that the agent puts before the model in each session, to which the handoff is added."""

    file: str
    """Name of the settings file at the top of a project."""
    key: str
    """The list's name in it, for people."""
    user_file: Place
    """The user's settings for all projects, whose list counts only if the project's file has none."""
    syntax: Callable[[str], FileList]
    """Key → the list below it, as the settings are written."""


class HookSpec(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's hooks: the files they are written to, their events, and what can keep them from running."""

    config_files: tuple[Place, ...] = ()
    """Settings files that may hold our hooks: the first that exists is taken, else the first."""
    form: Literal["nested", "flat", "plain", "extension"] = "nested"
    """How settings hold hooks.

    nested: `{"hooks": {event: [{"matcher", "hooks": [{"type": "command", "command", "timeout"}]}]}}`
    flat: `{"version": 1, "hooks": {event: [{"command", "timeout"}]}}`, where version and hooks must be there
    plain: `{"hooks": {event: [{"command", "show_output"}]}}`, which knows no time limit
    extension: a program of ours that the agent loads, `extension`, in a file of its own
    """
    extension: Path | None = None
    """For that form: the program, in which `@HOOKS@` stands for the hooks, as in the form `plain`."""
    timeout_unit: TimeoutUnit = "s"
    name: str | None = None
    """Name of our hooks in JSON settings, for agents that display it while hooks run."""
    tables: Place | None = None
    """TOML settings that may hold the hooks instead, nested (`[[hooks.SessionStart]]`). If they have such tables, ours
    go there: the agent warns about hooks in both. The tables of `review` don't count."""
    sets: tuple[HookSet, ...] = ()
    """Hook sets from the oldest range of versions to the newest, without a gap above the lowest."""
    injects_on: tuple[str, ...] = ()
    """Events whose hook can put text into the session's context."""
    spooled: bool = False
    """The agent has no other readable record, so what its hooks receive is stored in `<state>/spool/<id>`, one file per
    session (`carryover.transcript.spooled`), and read like a transcript. `hook.sh` prints no answer for such hooks."""
    prompts_on: tuple[str, ...] = ()
    """Events whose hook can add text to a prompt. The hook waits no longer than 0.5 s for it."""
    file_rules: HookFileRules | None = None
    switches: tuple[HookSwitch, ...] = ()
    review: HookReview | None = None
    """None: hooks run as soon as they are written."""

    @property
    def places(self) -> tuple[Place, ...]:
        """Every file that is written or read because of the hooks."""
        reviewed = self.review.state_file if self.review is not None else None
        others = (self.tables, *(switch.file for switch in self.switches), reviewed)
        return (*self.config_files, *(place for place in others if place is not None))


class WebChat(msgspec.Struct, frozen=True, kw_only=True):
    """The browser chat of the agent's maker, which can't see files. `carryover export` makes a document for it."""

    id: str
    """Name of the chat for `carryover export --for`."""
    name: str
    budget: int
    """Default token limit for a document for it."""
    tokens_percent: int = 125
    """Tokens that its models count per 100 estimated ones; if that is unknown, better too many than too few."""


class ChatExport(msgspec.Struct, frozen=True, kw_only=True):
    """How the agent's own client exports a chat as Markdown, for `carryover import`. All texts are patterns."""

    head: str
    """The beginning of a document, up to its first turn; the group `session` is its session's id, if it names one."""
    user: str
    """The whole line at which a turn of the user begins."""
    agent: str
    """The whole line at which a turn of the agent begins."""
    ruled: bool = False
    """A rule stands above each of them, and the first line is the chat's title."""
    call: str | None = None
    """A whole line that stands for a tool call. If the pattern has a group, that is the tool's name, and what the call
    was given and returned follows."""


class HandoffEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A list in the user's settings of files that the agent loads with each request; `install` adds the handoff."""

    files: tuple[Place, ...]
    """JSON settings that may hold the list at the top-level `key`, in the order in which the agent reads them: the last
    one with the list counts."""
    new: Place
    """The file that is created if none of them exists."""
    key: str
    entry: str
    """The handoff's path, as the agent finds it in a project: a file of its own, which does not change with the agent's
    own work (see `publish.loaded_files`)."""


class McpServers(msgspec.Struct, frozen=True, kw_only=True):
    """The user's own list of MCP servers, for all projects; `install --mcp` enters Carryover's."""

    files: tuple[Place, ...]
    """JSON or TOML settings, by their extension. The first one with the list counts, else the first one that exists."""
    key: str
    """The top-level object or table that holds one server per name, or a list of servers if `also` has a `name`."""
    also: Mapping[str, Any] = {}
    """What an entry needs beside the command."""
    in_one_list: bool = False
    """Whether the command and its arguments are one list."""
    env: str = "env"
    """Key of a server's environment variables."""

    def entry(self, command: Sequence[str], env: Mapping[str, str]) -> dict[str, Any]:
        """Returns the entry of a server that `command` starts, with the variables `env` beside the usual ones."""
        program = {"command": list(command)} if self.in_one_list else {"command": command[0], "args": [*command[1:]]}
        return {**self.also, **program, **({self.env: dict(env)} if env else {})}


class CommandFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Files with texts that the agent puts into a prompt by their name: commands, prompts, skills."""

    folder: Place | None = None
    """None: each project's root."""
    patterns: tuple[str, ...]
    """Glob patterns below the folder."""


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """After how many days an agent deletes its transcripts: a top-level key in its settings."""

    key: str
    default_days: int


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
    version: VersionProbe | None = None
    """None if it can't be asked."""
    hooks: HookSpec = HookSpec()
    """Without sets it has none."""
    handoff_entry: HandoffEntry | None = None
    """None if its settings can't list files to load, or its hooks inject the handoff."""
    mcp: tuple[McpServers, ...] = ()
    """One for each of its programs that has a list of its own; empty if it knows no MCP servers."""
    transcripts: tuple[Place, ...] = ()
    """Folders that hold its transcripts."""
    retention: Retention | None = None
    """None if it keeps them or that is unknown."""
    instructions: tuple[InstructionFile, ...] = ()
    """Project files that it reads unprompted and in which we put a pointer."""
    local_file: LocalFile | None = None
    """None if nothing but files that others read too can bring it a pointer."""
    guidance: tuple[str, ...] = ()
    """More project files that tell it how to work (rules, skills), as patterns below the project's root."""
    commands: tuple[CommandFiles, ...] = ()
    web_chats: tuple[WebChat, ...] = ()
    chat_export: ChatExport | None = None
    read_list: ReadList | None = None
    """None if it reads instruction files or gets the handoff from hooks."""
    start: Starter | None = None
    """None if it can't be started with a prompt."""
    also: tuple[str, ...] = ()
    """Its other programs whose sessions are in the same places and are read too, as people name them."""
    not_covered: tuple[str, ...] = ()
    """Its other programs whose sessions are not on the user's disk."""
    folder_must_exist: bool = False
    """Whether it refuses to start if a variable moves its folder to a path that does not exist."""

    def roots(self, home: Path, env: Mapping[str, str]) -> tuple[Path, ...]:
        """Returns the folders that may hold this agent's transcripts on this platform; they need not exist."""
        return tuple(place.at(home, env) for place in places_on(self.transcripts, here().name))

    @property
    def instruction_limit(self) -> InstructionLimit | None:
        """The limit on what the agent reads of a project's instruction files; None if it has none or it is unknown."""
        return next((file.limit for file in self.instructions if file.limit is not None), None)

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that change the location of the agent's files, each once."""
        folders = (*self.folders, *self.other_folders, *self.binary_folders, *self.transcripts)
        limit = self.instruction_limit
        entry = self.handoff_entry.files if self.handoff_entry is not None else ()
        servers = (place for servers in self.mcp for place in servers.files)
        places = (*folders, *entry, *servers, *self.hooks.places, *((limit.file,) if limit is not None else ()))
        return tuple(dict.fromkeys(place.env for place in places if place.env))


def places_on(places: tuple[Place, ...], platform: str) -> tuple[Place, ...]:
    """Returns those of `places` that exist on a platform (see `carryover.platform`)."""
    return tuple(place for place in places if not place.platforms or platform in place.platforms)


def _below_home(path: str, home: Path) -> Path:
    return home / path.removeprefix("~").lstrip("/") if path.split("/")[0] == "~" else home / path
