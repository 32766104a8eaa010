"""Returns the current settings and where each comes from, and changes one of them."""

from __future__ import annotations

import glob
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from carryover.actions.context import now_ms
from carryover.config import CONFIG_LIMIT_BYTES, Config, load_config, project_settings, settings_now
from carryover.daemon.client import reload_daemon
from carryover.edits.apply import apply
from carryover.errors import ExitCode, UserError
from carryover.fsio import private_dir, read_bytes_bounded, write_if_changed
from carryover.install.config_file import plan_config
from carryover.ledger.rows import SessionRow
from carryover.paths import StateDir
from carryover.publish.answers import prune_answers
from carryover.publish.project_files import withdraw
from carryover.terminal.output import did_you_mean, harmless
from carryover.text.toml_lines import parsed_toml
from carryover.text.value_errors import required_value

DEFAULT: Final = "default"
_DECIDED_ELSEWHERE: Final = {"agents": "`carryover install` decides that: run it again to change the choice."}


class Setting(msgspec.Struct, frozen=True):
    """A setting and its current value."""

    key: str
    value: Any
    origin: str
    """`default`, or the path of the file that sets it."""
    default: Any = None


def settings(state: StateDir) -> list[Setting]:
    """Returns all current settings. Raises UserError (REFUSED) if the file can't be used."""
    config, file = load_config(state.config), _data(state.config)
    found = []
    for table, name, default in _fields():
        value = getattr(getattr(config, table), name)
        is_set = _table(file, table).get(name) is not None
        found.append(Setting(f"{table}.{name}", value, str(state.config) if is_set else DEFAULT, default))
    for agent_id, agent in config.agents.each.items():
        for name, value in msgspec.structs.asdict(agent).items():
            if value:
                found.append(Setting(f"agents.{agent_id}.{name}", value, str(state.config)))
    return found


def setting_names() -> tuple[str, ...]:
    """Returns the names of the settings that can be changed, as `table.name`."""
    return tuple(f"{table}.{name}" for table, name, _ in _fields() if table not in _DECIDED_ELSEWHERE)


def change(state: StateDir, key: str, words: Sequence[str] | None) -> str:
    """Sets `key` to the value in `words`, or removes it if None; returns the new state as a sentence.

    Raises UserError: USAGE for an unknown key or an invalid value; REFUSED if the file can't be edited.
    """
    before = named_setting(key, settings(state))
    table, _, name = key.partition(".")
    if table in _DECIDED_ELSEWHERE:
        raise UserError(f"{key} was not changed. {_DECIDED_ELSEWHERE[table]}", ExitCode.REFUSED)
    value = None if words is None else checked(table, name, words)
    _write(state, (table, name), value)
    after = named_setting(key, settings(state))
    now = f"{key} = {shown(after.value)}"
    if msgspec.json.encode(before.value) == msgspec.json.encode(after.value):
        return f"{now}, as before.{_reload(state)}"
    return f"{now} (was {shown(before.value)}).{_reload(state)}"


def would_drop(state: StateDir, key: str, words: Sequence[str]) -> list[SessionRow]:
    """Returns the sessions, newest first, that setting `key` to the value in `words` would newly drop.

    Raises UserError as `change` does.
    """
    table, _, name = key.partition(".")
    if table != "retention" or not state.ledger.exists():
        return []
    from carryover.ledger.queries import connect_read_only
    from carryover.ledger.selection import Selection, selected_sessions
    from carryover.publish.forgetting import over_limits

    named_setting(key, settings(state))
    before = load_config(state.config).retention
    after = msgspec.structs.replace(before, **{name: checked(table, name, words)})
    at_ms = now_ms()
    with closing(connect_read_only(state.ledger)) as db:
        dropped, anyway = (
            {(one.agent, one.native_id) for one in over_limits(db, limits, now_ms=at_ms)} for limits in (after, before)
        )
        rows = selected_sessions(db, Selection(), now_ms=at_ms)
    return [row for row in rows if (row.agent, row.native_id) in dropped - anyway]


def checked(table: str, name: str, words: Sequence[str]) -> Any:
    """Parses `words` as a value of the setting: plain text, or else TOML. Raises UserError (USAGE)."""
    problem = ""
    for value in _readings(words, as_list=isinstance(getattr(getattr(Config(), table), name), tuple)):
        try:
            msgspec.convert({table: {name: value}}, Config)
        except msgspec.ValidationError as error:
            problem = required_value(str(error).partition(" - at ")[0], _choices(table, name))
        else:
            return value
    raise UserError(
        f"{table}.{name} can't be {' '.join(words)!r}: {problem}. Nothing was changed.",
        ExitCode.USAGE,
    )


def shown(value: Any) -> str:
    """Formats a value for printing: text as it is, lists and tables as JSON."""
    if value is None:
        return "not set"
    return harmless(value) if isinstance(value, str) else msgspec.json.encode(value).decode()


def _readings(words: Sequence[str], *, as_list: bool) -> Iterator[Any]:
    """Yields the possible values of `words`, likeliest first: the text itself, a TOML value, a list."""
    if len(words) == 1:
        yield words[0]
        with suppress(tomllib.TOMLDecodeError):
            yield parsed_toml(f"value = {words[0]}")["value"]
    if as_list or len(words) > 1:
        yield list(words)


def _choices(table: str, name: str) -> list[str]:
    schema = msgspec.json.schema(type(getattr(Config(), table)))
    described = schema["$defs"][type(getattr(Config(), table)).__name__]["properties"].get(name, {})
    return [str(choice) for one in (described, *described.get("anyOf", ())) for choice in one.get("enum", ())]


def _fields() -> Iterator[tuple[str, str, Any]]:
    defaults = Config()
    for table in msgspec.structs.fields(Config):
        section = getattr(defaults, table.name)
        if isinstance(section, msgspec.Struct):
            for name, default in msgspec.structs.asdict(section).items():
                if (table.name, name) != ("agents", "each"):
                    yield table.name, name, default


def named_setting(key: str, found: Sequence[Setting]) -> Setting:
    for setting in found:
        if setting.key == key:
            return setting
    meant = did_you_mean(key, [setting.key for setting in found]) or "."
    raise UserError(
        f"There is no setting {key!r}{meant} `carryover config` lists them. Nothing was changed.", ExitCode.USAGE
    )


def _data(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(read_bytes_bounded(path, CONFIG_LIMIT_BYTES).decode("utf-8-sig"))
    except FileNotFoundError:
        return {}


def _table(file: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    from carryover.config import AGENTS_TABLES

    names = AGENTS_TABLES[::-1] if name in AGENTS_TABLES else (name,)
    return {key: value for table in names for key, value in file.get(table, {}).items()}


def _write(state: StateDir, path: tuple[str, str], value: Any) -> None:
    from carryover.edits.apply import apply
    from carryover.install.config_file import plan_config

    [done] = apply([plan_config(state, {path: value})], state)
    if done.problem is not None:
        raise UserError(done.problem, ExitCode.REFUSED)


def _reload(state: StateDir) -> str:
    from carryover.daemon.client import reload_daemon

    health = reload_daemon(state)
    if health is not None and health.config_trouble:
        raise UserError(f"It was written, but carryoverd does not take the settings: {health.config_trouble}")
    return "" if health is not None else " carryoverd is not running; it holds when it starts."


Obeyed = Literal["at once", "when it starts"]


class Pausing(msgspec.Struct, frozen=True, kw_only=True):
    """Whether Carryover or a project is paused after the command."""

    paused: bool
    changed: bool
    project: str | None = None
    """Root of the project; None for all projects."""
    daemon: Obeyed
    note: str | None = None
    """An additional sentence for the user."""


def pause_all(state: StateDir) -> Pausing:
    """Pauses everything. Raises UserError if the flag can't be written or the daemon does not answer."""
    changed = not state.paused.exists()
    if changed:
        try:
            private_dir(state.root)
            write_if_changed(state.paused, b"", mode=0o600, follow=False)
        except OSError as error:
            raise UserError(f"{state.paused} can't be written ({error.strerror}), so nothing was paused.") from error
    return Pausing(paused=True, changed=changed, daemon=_obeyed(state, paused=True))


def unpause_all(state: StateDir) -> Pausing:
    """Resumes everything except projects that were paused by name. Raises UserError, also for unusable settings."""
    note = _still_out(state)  # first, before anything is changed, since this needs the settings
    changed = state.paused.exists()
    try:
        state.paused.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"{state.paused} can't be removed ({error.strerror}), so Carryover stays paused.") from error
    return Pausing(paused=False, changed=changed, daemon=_obeyed(state, paused=False), note=note)


def pause_project(state: StateDir, root: str) -> Pausing:
    """Excludes one project through `[projects] exclude`, and removes what Carryover put into it.

    Raises UserError if the settings can't be edited.
    """
    config = load_config(state.config)
    pattern = glob.escape(root)
    if _excluded(root, config) is not None:
        return Pausing(paused=True, changed=False, project=root, daemon=_obeyed(state, paused=None))
    _write_excludes(state, exclude=(*config.projects.exclude, pattern))
    obeyed = _obeyed(state, paused=None)
    if obeyed != "at once":  # otherwise the daemon does it
        withdraw(state.root, settings_now(state))
    return Pausing(paused=True, changed=True, project=root, daemon=obeyed)


def unpause_project(state: StateDir, root: str) -> Pausing:
    """Resumes one project. Raises UserError (REFUSED) if something other than `pause` excludes it."""
    config = load_config(state.config)
    pattern = glob.escape(root)
    changed = pattern in config.projects.exclude
    if changed:
        _write_excludes(state, exclude=tuple(other for other in config.projects.exclude if other != pattern))
    excluded = _excluded(root, load_config(state.config))
    if excluded is not None:
        raise UserError(f"{root} is still left out, by {excluded}. Change that where it is set.", ExitCode.REFUSED)
    note = "But everything is still paused; `carryover unpause` ends that." if state.paused.exists() else None
    return Pausing(paused=False, changed=changed, project=root, daemon=_obeyed(state, paused=None), note=note)


def _still_out(state: StateDir) -> str | None:
    exclude = load_config(state.config).projects.exclude
    return f"Still left out, by [projects] exclude in config.toml: {', '.join(exclude)}." if exclude else None


def _excluded(root: str, config: Config) -> str | None:
    return project_settings(Path(root), config).excluded


def _write_excludes(state: StateDir, *, exclude: tuple[str, ...]) -> None:
    [done] = apply([plan_config(state, {("projects", "exclude"): list(exclude) or None})], state)
    if done.problem is not None:
        raise UserError(done.problem, ExitCode.REFUSED)


def _forget_answers(state: StateDir, *, paused: bool | None) -> None:
    try:
        # A pause of everything applies whatever the settings say, even if they can't be read.
        prune_answers(state.root, Config(paused=True) if paused else settings_now(state))
    except OSError as error:
        raise UserError(f"Answers kept for when carryoverd is down can't be removed ({error.strerror}).") from error


def _obeyed(state: StateDir, *, paused: bool | None) -> Obeyed:
    health = reload_daemon(state)
    if health is None:
        _forget_answers(state, paused=paused)
        return "when it starts"
    if health.config_trouble and not paused:
        raise UserError(f"carryoverd does not take the settings: {health.config_trouble}")
    if paused is not None and health.paused is not paused:
        raise UserError("carryoverd did not follow; it may be an older version. Restart it.")
    return "at once"
