"""Returns and changes the user's settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from carryover.config import CONFIG_LIMIT_BYTES, Config, in_no_folder, load_config, project_settings, settings_now
from carryover.daemon.client import SettingsNotTaken, reload_daemon
from carryover.errors import ExitCode, UserError
from carryover.fsio import read_bytes_bounded
from carryover.past.context import project_root, state_dir
from carryover.terminal.output import did_you_mean
from carryover.text.toml_lines import parsed_toml, required_value

if TYPE_CHECKING:
    from carryover.outside.in_project import Pass

DEFAULT: Final = "default"
_ON_PROJECTS: Final = ("publish", "projects")
"""The settings that decide what may be in a project."""
_DECIDED_ELSEWHERE: Final = {"agents": "`carryover install` decides that: run it again to change the choice."}


_MEANINGS: Final = {
    "resume.mode": "how a session learns of the last one",
    "resume.stale_days": "days after which a handoff is old",
    "resume.depth": "tokens of the second page; 0: none",
    "publish.pointers": "what is written into projects",
    "publish.shared_since": "when you agreed to `shared`",
    "publish.projects": "other pointers for some projects",
    "publish.active_days": "days in which a project is active",
    "server.port": "port for hooks, on this machine only",
    "server.page": "whether `carryover ui` has its page",
    "projects.include": "if any, only these projects",
    "projects.exclude": "projects whose handoff no agent gets",
    "sync.every": "how often to sync: 5m, 1h",
    "agents.selected": "agents that you use Carryover for",
    "agents.known": "agents that install or refresh found",
    "roots": "folders of its transcripts",
    "env": "variables that moved its folders",
    "versions": "versions that were found",
    "sources": "transcripts that you declared",
}
"""A few words on each setting, and on those below `agents.<id>` and `sources`."""


class Setting(msgspec.Struct, frozen=True):
    """A setting and its current value. `origin`: `default`, or the path of the file that sets it. `meaning`: a few
    words for people."""

    key: str
    value: Any
    origin: str
    meaning: str
    default: Any = None


class Changed(msgspec.Struct, frozen=True):
    """A setting before and after a change."""

    before: Setting
    after: Setting
    is_running: bool
    """Whether a daemon runs; otherwise it holds when one starts."""
    not_taken: str | None = None
    """Why a running one has not taken it yet, as a sentence."""
    withdrawn: tuple[Pass, ...] = ()
    """The projects from which it took out at once what may not be there any more, as the daemon would."""


def settings() -> list[Setting]:
    """Returns all current settings. Raises UserError (REFUSED) if the file can't be used."""
    state = state_dir()
    config, file = load_config(state.config), str(state.config)
    in_file: dict[str, Any] = {}
    with suppress(FileNotFoundError):
        in_file = in_no_folder(parsed_toml(read_bytes_bounded(state.config, CONFIG_LIMIT_BYTES).decode("utf-8-sig")))
    usual = (
        Setting(
            key=f"{table}.{name}",
            value=getattr(getattr(config, table), name),
            origin=DEFAULT if in_file.get(table, {}).get(name) is None else file,
            meaning=_MEANINGS[f"{table}.{name}"],
            default=default,
        )
        for table, name, default in _fields()
    )
    return [*usual, *(Setting(key, value, file, _MEANINGS[about]) for key, value, about in _declared(config))]


def _declared(config: Config) -> Iterator[tuple[str, Any, str]]:
    """Yields what the file sets of agents and sources that it names: key, value, and the key of its meaning."""
    for agent_id, agent in config.agents.each.items():
        for name, value in msgspec.structs.asdict(agent).items():
            if value:
                yield f"agents.{agent_id}.{name}", value, name
    for source in config.sources:
        yield f"sources.{source.agent}", source.files, "sources"


def ignored() -> Iterator[str]:
    """Yields what is ignored in the file, and in that of the project in the current folder. Raises UserError."""
    file = state_dir().config
    config = load_config(file)
    for key in config.unknown_keys:
        yield f"{file}: {key} is unknown; it is ignored, and the default holds"
    with suppress(UserError):  # the current folder belongs to no project
        root = project_root(None)
        yield from (f"{root}/{note}" for note in project_settings(Path(root), config).notes)


def setting_names() -> tuple[str, ...]:
    """Returns the names of the settings that can be changed, as `table.name`."""
    return tuple(f"{table}.{name}" for table, name, _ in _fields() if table not in _DECIDED_ELSEWHERE)


def setting(key: str) -> Setting:
    """Returns one of the settings. Raises UserError: USAGE if there is none with this key."""
    there = settings()
    for one in there:
        if one.key == key:
            return one
    parts = {one.key.rpartition(".")[2]: one.key for one in reversed(there)}  # people type a part of it
    meant = did_you_mean(key, [*(one.key for one in there), *parts], parts) or "."
    raise UserError(f"There is no setting {key!r}{meant} `carryover config` lists them.", ExitCode.USAGE)


def change(key: str, words: Sequence[str] | None) -> Changed:
    """Sets `key` to `words`, or removes it if None. Raises UserError if refused."""
    state = state_dir()
    before = setting(key)
    table, _, name = key.partition(".")
    if table in _DECIDED_ELSEWHERE:
        raise UserError(f"{key} was not changed. {_DECIDED_ELSEWHERE[table]}", ExitCode.REFUSED)
    write([table, name], None if words is None else _checked(table, name, words))
    after = setting(key)
    try:
        health = reload_daemon(state)
    except SettingsNotTaken as trouble:
        return Changed(before, after, is_running=True, not_taken=str(trouble))
    if health is not None and health.config_trouble:
        raise UserError(f"It was written, but carryoverd does not take the settings: {health.config_trouble}")
    withdrawn: tuple[Pass, ...] = ()
    if health is None and table in _ON_PROJECTS:
        from carryover.publish.project_files import withdraw_everywhere

        withdrawn = withdraw_everywhere(state.root, settings_now(state))
    return Changed(before, after, is_running=health is not None, withdrawn=withdrawn)


def _checked(table: str, name: str, words: Sequence[str]) -> Any:
    """Parses `words` as a value of the setting: plain text, or else TOML. Raises UserError (USAGE)."""
    section = getattr(Config(), table)
    choices = _choices(type(section), name)
    problem = ""
    for value in _readings(words, is_list=isinstance(getattr(section, name), tuple)):
        try:
            msgspec.convert({table: {name: value}}, Config)
        except msgspec.ValidationError as error:
            said = str(error).partition(" - at ")[0]
            if not problem or ", got " not in said:  # of the right type, it says more of what the value must be
                problem = required_value(said, choices)
        else:
            return value
    why = f"{problem}{did_you_mean(words[0], choices) or '.'}"
    raise UserError(f"{table}.{name} can't be {' '.join(words)!r}: {why} Nothing was changed.", ExitCode.USAGE)


def _readings(words: Sequence[str], *, is_list: bool) -> Iterator[Any]:
    """Yields what the words of a command may mean."""
    if len(words) == 1:
        yield words[0]
        with suppress(ValueError):
            yield parsed_toml(f"value = {words[0]}")["value"]
    if is_list or len(words) > 1:
        yield list(words)


def _choices(section: type[msgspec.Struct], name: str) -> list[str]:
    """Returns the words that a setting may be, if it may not be just anything."""
    field = msgspec.json.schema(section)["$defs"][section.__name__]["properties"].get(name, {})
    return [str(choice) for kind in (field, *field.get("anyOf", ())) for choice in kind.get("enum", ())]


def _fields() -> Iterator[tuple[str, str, Any]]:
    """Yields the table, name and default of each setting."""
    for table, section in msgspec.structs.asdict(Config()).items():
        if isinstance(section, msgspec.Struct):
            for name, default in msgspec.structs.asdict(section).items():
                if (table, name) != ("agents", "each"):
                    yield table, name, default


def write(path: Sequence[str], value: Any) -> None:
    """Writes one setting into the file, or takes it out if None. Raises UserError (REFUSED)."""
    from carryover.install.config_file import plan_config
    from carryover.outside.apply import apply

    state, values = state_dir(), {tuple(path): value}
    if (*path, value) == ("publish", "pointers", "shared"):  # said anew, it holds for what git has taken away too
        values["publish", "shared_since"] = datetime.now(UTC)
    [edit] = apply([plan_config(state, values)], state)
    if edit.problem is not None:
        raise UserError(edit.problem, ExitCode.REFUSED)
