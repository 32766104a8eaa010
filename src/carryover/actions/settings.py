"""Returns and changes the user's settings; pauses everything or, by a pattern in the settings, one project."""

from __future__ import annotations

import glob
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import msgspec

from carryover.config import CONFIG_LIMIT_BYTES, Config, load_config, project_settings, settings_now
from carryover.errors import ExitCode, UserError
from carryover.fsio import private_dir, read_bytes_bounded, write_if_changed
from carryover.past.context import now_ms, project_root
from carryover.paths import StateDir
from carryover.platform import here
from carryover.terminal.output import did_you_mean, harmless
from carryover.text.toml_lines import parsed_toml, required_value

if TYPE_CHECKING:
    from carryover.past.types import Session

DEFAULT: Final = "default"
_DECIDED_ELSEWHERE: Final = {"agents": "`carryover install` decides that: run it again to change the choice."}


_MEANINGS: Final = {
    "resume.mode": "how a session learns of the last one",
    "resume.stale_days": "days after which a handoff is old",
    "resume.depth": "tokens of the second page; 0: none",
    "publish.pointers": "what is written into projects",
    "publish.shared_since": "when you agreed to `shared`",
    "publish.projects": "other pointers for some projects",
    "publish.active_days": "days in which a project is active",
    "publish.folder": "where handoffs go, not into projects",
    "server.port": "port for hooks, on this machine only",
    "server.page": "whether `carryover ui` has its page",
    "projects.include": "if any, only these projects",
    "projects.exclude": "projects that are never covered",
    "notify.desktop": "a notification at a usage limit",
    "retention.max_age_days": "drops sessions older than this",
    "retention.max_size_mb": "drops the oldest beyond this size",
    "sync.every": "how often to sync: 5m, 1h",
    "agents.selected": "agents that you use Carryover for",
    "agents.known": "agents that you could select then",
    "roots": "folders of its transcripts",
    "env": "variables that moved its folders",
    "versions": "versions that were found",
    "prices": "prices of a million tokens",
    "sources": "transcripts that you declared",
}
"""A few words on each setting, and on those below `agents.<id>`, `prices` and `sources`."""


class Setting(msgspec.Struct, frozen=True):
    """A setting and its current value. `origin`: `default`, or the path of the file that sets it. `meaning`: a few
    words for people."""

    key: str
    value: Any
    origin: str
    meaning: str
    default: Any = None


class Pausing(msgspec.Struct, frozen=True, kw_only=True):
    """Whether Carryover, or the project with this root, is paused after the command. `note`: a further sentence."""

    paused: bool
    changed: bool
    project: str | None = None
    daemon: Literal["at once", "when it starts"]
    note: str | None = None


class Dropped(NamedTuple):
    """How many sessions would be dropped, and the newest of them."""

    number: int
    newest: tuple[Session, ...] = ()


def settings(state: StateDir) -> list[Setting]:
    """Returns all current settings. Raises UserError (REFUSED) if the file can't be used."""
    config = load_config(state.config)
    file: dict[str, Any] = {}
    found: list[Setting] = []
    with suppress(FileNotFoundError):
        file = tomllib.loads(read_bytes_bounded(state.config, CONFIG_LIMIT_BYTES).decode("utf-8-sig"))
    for table, name, default in _fields():
        is_set = file.get(table, {}).get(name) is not None
        value = getattr(getattr(config, table), name)
        key = f"{table}.{name}"
        found.append(Setting(key, value, str(state.config) if is_set else DEFAULT, _MEANINGS[key], default))
    for agent_id, agent in config.agents.each.items():
        given = msgspec.structs.asdict(agent).items()
        for name, value in given:
            if value:
                found.append(Setting(f"agents.{agent_id}.{name}", value, str(state.config), _MEANINGS[name]))
    for model, price in config.prices.items():
        values = msgspec.structs.asdict(price)
        found.append(Setting(f"prices.{model}", values, str(state.config), _MEANINGS["prices"]))
    for source in config.sources:
        found.append(Setting(f"sources.{source.agent}", source.files, str(state.config), _MEANINGS["sources"]))
    return found


def ignored(state: StateDir) -> Iterator[str]:
    """Yields what is ignored in the file, and in that of the project in the current folder. Raises UserError."""
    config = load_config(state.config)
    for key in config.unknown_keys:
        yield f"{state.config}: {key} is unknown; it is ignored, and the default holds"
    with suppress(UserError):  # the current folder belongs to no project
        root = project_root(None)
        yield from (f"{root}/{note}" for note in project_settings(Path(root), config).notes)


def setting_names() -> tuple[str, ...]:
    """Returns the names of the settings that can be changed, as `table.name`."""
    return tuple(f"{table}.{name}" for table, name, _ in _fields() if table not in _DECIDED_ELSEWHERE)


def named_setting(key: str, found: Sequence[Setting]) -> Setting:
    """Returns one of the settings. Raises UserError (USAGE) if there is none with this key."""
    for setting in found:
        if setting.key == key:
            return setting
    meant = did_you_mean(key, [setting.key for setting in found]) or "."
    raise UserError(
        f"There is no setting {key!r}{meant} `carryover config` lists them. Nothing was changed.", ExitCode.USAGE
    )


def change(state: StateDir, key: str, words: Sequence[str] | None) -> str:
    """Sets `key` to `words`, or removes it if None; returns its new state in words. Raises UserError if refused."""
    from carryover.daemon.client import reload_daemon

    before = named_setting(key, settings(state))
    table, _, name = key.partition(".")
    if table in _DECIDED_ELSEWHERE:
        raise UserError(f"{key} was not changed. {_DECIDED_ELSEWHERE[table]}", ExitCode.REFUSED)
    _write(state, (table, name), None if words is None else _checked(table, name, words))
    after = named_setting(key, settings(state))
    health = reload_daemon(state)
    if health is not None and health.config_trouble:
        raise UserError(f"It was written, but carryoverd does not take the settings: {health.config_trouble}")
    is_same = msgspec.json.encode(before.value) == msgspec.json.encode(after.value)
    now = f"{key} = {shown(after.value)}{', as before' if is_same else f' (was {shown(before.value)})'}."
    if is_same and (key, after.value) == ("publish.pointers", "shared"):
        now += " What git took away since is written again when an agent next works there."
    return now if health is not None else f"{now} carryoverd is not running; it holds when it starts."


def would_drop(state: StateDir, key: str, words: Sequence[str], *, most: int) -> Dropped:
    """Returns the sessions that setting `key` to `words` would newly drop, the newest `most` of them listed. Raises as
    `change` does."""
    table, _, name = key.partition(".")
    if table != "retention" or not state.ledger.exists():
        return Dropped(0)
    from carryover.ledger.queries import Selection, reading, selected_sessions
    from carryover.past.sessions import listed
    from carryover.publish.forgetting import over_limits

    named_setting(key, settings(state))
    before = load_config(state.config).retention
    after = msgspec.structs.replace(before, **{name: _checked(table, name, words)})
    at_ms = now_ms()
    with reading(state.ledger) as db:
        dropped, anyway = (
            {(one.agent, one.native_id) for one in over_limits(db, limits, now_ms=at_ms)} for limits in (after, before)
        )
        rows = selected_sessions(db, Selection(), now_ms=at_ms)
        newly = [row for row in rows if (row.agent, row.native_id) in dropped - anyway]
        return Dropped(len(newly), tuple(listed(db, newly[:most])))


def shown(value: Any) -> str:
    """Formats a value for printing: text as it is, lists and tables as JSON."""
    if value is None:
        return "not set"
    return harmless(value) if isinstance(value, str) else msgspec.json.encode(value).decode()


def _checked(table: str, name: str, words: Sequence[str]) -> Any:
    """Parses `words` as a value of the setting: plain text, or else TOML. Raises UserError (USAGE)."""
    section = getattr(Config(), table)
    readings: list[Any] = list(words[:1]) if len(words) == 1 else []
    with suppress(tomllib.TOMLDecodeError):
        readings += [parsed_toml(f"value = {word}")["value"] for word in readings]
    if isinstance(getattr(section, name), tuple) or len(words) > 1:
        readings.append(list(words))
    problem = ""
    for value in readings:
        try:
            msgspec.convert({table: {name: value}}, Config)
        except msgspec.ValidationError as error:
            described = msgspec.json.schema(type(section))["$defs"][type(section).__name__]["properties"].get(name, {})
            kinds = (described, *described.get("anyOf", ()))
            choices = [str(choice) for one in kinds for choice in one.get("enum", ())]
            problem = required_value(str(error).partition(" - at ")[0], choices)
        else:
            return value
    raise UserError(f"{table}.{name} can't be {' '.join(words)!r}: {problem}. Nothing was changed.", ExitCode.USAGE)


def _fields() -> Iterator[tuple[str, str, Any]]:
    """Yields the table, name and default of each setting."""
    for table, section in msgspec.structs.asdict(Config()).items():
        if isinstance(section, msgspec.Struct):
            for name, default in msgspec.structs.asdict(section).items():
                if (table, name) != ("agents", "each"):
                    yield table, name, default


def _write(state: StateDir, path: tuple[str, str], value: Any) -> None:
    from carryover.edits.apply import apply
    from carryover.install.config_file import plan_config

    values = {path: value}
    if (path, value) == (("publish", "pointers"), "shared"):  # said anew, it holds for what git has taken away too
        values["publish", "shared_since"] = datetime.now(UTC)
    [done] = apply([plan_config(state, values)], state)
    if done.problem is not None:
        raise UserError(done.problem, ExitCode.REFUSED)


def pause_all(state: StateDir) -> Pausing:
    """Pauses everything. Raises UserError if the flag can't be written or the daemon does not answer."""
    changed = not state.paused.exists()
    try:
        if changed:
            private_dir(state.root)
            write_if_changed(state.paused, b"", mode=0o600, follow=False)
    except OSError as error:
        raise UserError(f"{state.paused} can't be written ({error.strerror}), so nothing was paused.") from error
    return Pausing(paused=True, changed=changed, daemon=_obeyed(state, paused=True))


def unpause_all(state: StateDir) -> Pausing:
    """Resumes everything except projects that were paused by name. Raises UserError, also for unusable settings."""
    exclude = load_config(state.config).projects.exclude  # before anything is changed
    note = f"Still left out, by [projects] exclude in config.toml: {', '.join(exclude)}." if exclude else None
    changed = state.paused.exists()
    try:
        state.paused.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"{state.paused} can't be removed ({error.strerror}), so Carryover stays paused.") from error
    return Pausing(paused=False, changed=changed, daemon=_obeyed(state, paused=False), note=note)


def pause_project(state: StateDir, root: str) -> Pausing:
    """Excludes one project by `[projects] exclude`, and takes out what we put into it. Raises UserError if it can't."""
    from carryover.publish.withdrawal import withdraw

    config = load_config(state.config)
    changed = project_settings(Path(root), config).excluded is None
    if changed:
        _write(state, ("projects", "exclude"), [*config.projects.exclude, glob.escape(root)])
    obeyed = _obeyed(state, paused=None)
    if changed and obeyed != "at once":  # otherwise the daemon does it
        withdraw(state.root, settings_now(state))
    return Pausing(paused=True, changed=changed, project=root, daemon=obeyed)


def unpause_project(state: StateDir, root: str) -> Pausing:
    """Resumes one project. Raises UserError (REFUSED) if something other than `pause` excludes it."""
    exclude = load_config(state.config).projects.exclude
    named = here().alike(glob.escape(root))
    left = [one for one in exclude if here().alike(one) != named]
    changed = len(left) < len(exclude)
    if changed:
        _write(state, ("projects", "exclude"), left or None)
    excluded = project_settings(Path(root), load_config(state.config)).excluded
    if excluded is not None:
        raise UserError(f"{root} is still left out, by {excluded}. Change that where it is set.", ExitCode.REFUSED)
    note = "But everything is still paused; `carryover unpause` ends that." if state.paused.exists() else None
    return Pausing(paused=False, changed=changed, project=root, daemon=_obeyed(state, paused=None), note=note)


def _obeyed(state: StateDir, *, paused: bool | None) -> Literal["at once", "when it starts"]:
    """Has the daemon take the settings or, if none is running, drops the answers that it would no longer give."""
    from carryover.daemon.client import reload_daemon
    from carryover.publish.answers import prune_answers

    health = reload_daemon(state)
    if health is None:
        try:
            # A pause of everything applies whatever the settings say, even if they can't be read.
            prune_answers(state.root, Config(paused=True) if paused else settings_now(state))
        except OSError as error:
            raise UserError(f"Answers kept for when carryoverd is down can't be removed ({error.strerror}).") from error
        return "when it starts"
    if health.config_trouble and not paused:
        raise UserError(f"carryoverd does not take the settings: {health.config_trouble}")
    if paused is not None and health.paused is not paused:
        raise UserError("carryoverd did not follow; it may be an older version. Restart it.")
    return "at once"
