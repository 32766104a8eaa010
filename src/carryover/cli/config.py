"""`carryover config`: shows the settings with where each comes from, and changes one of them."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.cli.arguments import describe, did_you_mean
from carryover.cli.context import state_dir
from carryover.cli.output import BOLD, harmless, paint, print_json
from carryover.config import Config, load_config
from carryover.errors import ExitCode, UserError
from carryover.paths import StateDir, short_path

DESCRIPTION: Final = """\
Shows all settings, each with its value and whether it is the default or comes
from config.toml; with KEY the value alone. With a VALUE it sets KEY: the value
is checked first, comments and every other byte of the file stay, and a running
daemon takes it at once. docs/guide.md describes each setting."""

EXAMPLES: Final = """\
examples:
  carryover config                            all of them
  carryover config resume.mode                one value
  carryover config resume.mode brief          change it
  carryover config projects.exclude '~/clients/*' '~/old'
                                              a list of several values
  carryover config --unset publish.folder     back to the default
"""

DEFAULT: Final = "default"
_DECIDED_ELSEWHERE: Final = {"agents": "`carryover install` decides that: run it again to change the choice."}


class Setting(msgspec.Struct, frozen=True):
    """A setting as it is now."""

    key: str
    value: Any
    origin: str
    """`default`, or the path of the file that sets it."""
    default: Any = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("key", metavar="KEY", nargs="?", help="a setting, such as resume.mode")
    parser.add_argument("value", metavar="VALUE", nargs="*", help="its new value; several for a list")
    parser.add_argument("--unset", action="store_true", help="take KEY out of the file, so that its default holds")
    parser.add_argument("--json", action="store_true", help="print the settings, or the one, as JSON")


def run(args: argparse.Namespace) -> int:
    state = state_dir()
    if args.unset or args.value:
        if args.key is None or (args.unset and args.value):
            raise UserError("--unset needs a KEY, and no VALUE.", ExitCode.USAGE)
        said = change(state, args.key, None if args.unset else args.value)
        if not args.json:
            print(said)
            return ExitCode.OK
    found = settings(state)
    if args.key is not None:
        return _print_one(_named(args.key, found), as_json=args.json)
    if args.json:
        print_json(found)
    else:
        _print_all(found)
    return ExitCode.OK


def settings(state: StateDir) -> list[Setting]:
    """All settings as they are now. Raises UserError (REFUSED) where the file can't be used."""
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
    """The settings that can be changed, as `table.name`."""
    return tuple(f"{table}.{name}" for table, name, _ in _fields() if table not in _DECIDED_ELSEWHERE)


def change(state: StateDir, key: str, words: Sequence[str] | None) -> str:
    """Sets `key` to what `words` say, or with None removes it; what holds now, as a sentence.

    Raises UserError: USAGE for an unknown key or a value without a meaning; REFUSED where the file can't be edited.
    """
    before = _named(key, settings(state))
    table, _, name = key.partition(".")
    if table in _DECIDED_ELSEWHERE:
        raise UserError(f"{key} was not changed. {_DECIDED_ELSEWHERE[table]}", ExitCode.REFUSED)
    value = None if words is None else checked(table, name, words)
    _write(state, (table, name), value)
    after = _named(key, settings(state))
    now = f"{key} = {shown(after.value)}"
    if msgspec.json.encode(before.value) == msgspec.json.encode(after.value):
        return f"{now}, as before.{_reload(state)}"
    return f"{now} (was {shown(before.value)}).{_reload(state)}"


def checked(table: str, name: str, words: Sequence[str]) -> Any:
    """The value that `words` give the setting: text as it is, else as TOML has it. Raises UserError (USAGE)."""
    problem = ""
    for value in _readings(words, as_list=isinstance(getattr(getattr(Config(), table), name), tuple)):
        try:
            msgspec.convert({table: {name: value}}, Config)
        except msgspec.ValidationError as error:
            problem = str(error).partition(" - at ")[0].replace(" | null`", "`")
        else:
            return value
    raise UserError(
        f"{table}.{name} can't be {' '.join(words)!r}: {problem}{_choices(table, name)}. Nothing was changed.",
        ExitCode.USAGE,
    )


def shown(value: Any) -> str:
    """A value as it is printed: text plain, lists and tables as JSON has them."""
    if value is None:
        return "not set"
    return harmless(value) if isinstance(value, str) else msgspec.json.encode(value).decode()


def _readings(words: Sequence[str], *, as_list: bool) -> Iterator[Any]:
    """What words can mean, likeliest first: the text itself, or a number or the like as TOML writes it; a list."""
    if len(words) == 1:
        yield words[0]
        with suppress(tomllib.TOMLDecodeError):
            yield tomllib.loads(f"value = {words[0]}")["value"]
    if as_list or len(words) > 1:
        yield list(words)


def _choices(table: str, name: str) -> str:
    schema = msgspec.json.schema(type(getattr(Config(), table)))
    described = schema["$defs"][type(getattr(Config(), table)).__name__]["properties"].get(name, {})
    choices = [choice for one in (described, *described.get("anyOf", ())) for choice in one.get("enum", ())]
    return f"; it must be one of {', '.join(map(str, choices))}" if choices else ""


def _fields() -> Iterator[tuple[str, str, Any]]:
    """Table, name and default of each setting."""
    defaults = Config()
    for table in msgspec.structs.fields(Config):
        section = getattr(defaults, table.name)
        if isinstance(section, msgspec.Struct):
            for name, default in msgspec.structs.asdict(section).items():
                if (table.name, name) != ("agents", "each"):
                    yield table.name, name, default


def _named(key: str, found: Sequence[Setting]) -> Setting:
    for setting in found:
        if setting.key == key:
            return setting
    meant = did_you_mean(key, [setting.key for setting in found]) or "."
    raise UserError(
        f"There is no setting {key!r}{meant} `carryover config` lists them. Nothing was changed.", ExitCode.USAGE
    )


def _data(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}


def _table(file: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    from carryover.config import AGENTS_TABLES

    names = AGENTS_TABLES[::-1] if name in AGENTS_TABLES else (name,)
    return {key: value for table in names for key, value in file.get(table, {}).items()}


def _write(state: StateDir, path: tuple[str, str], value: Any) -> None:
    from carryover.edits.apply import apply
    from carryover.install.config_file import Settings, plan_config

    [done] = apply([plan_config(state, Settings(others={path: value}))], state)
    if done.problem is not None:
        raise UserError(done.problem, ExitCode.REFUSED)


def _reload(state: StateDir) -> str:
    from carryover.daemon.client import reload_daemon

    health = reload_daemon(state)
    if health is not None and health.config_trouble:
        raise UserError(f"It was written, but carryoverd does not take the settings: {health.config_trouble}")
    return "" if health is not None else " carryoverd is not running; it holds when it starts."


def _print_one(setting: Setting, *, as_json: bool) -> int:
    if as_json:
        print_json(setting)
    elif setting.value is None:
        raise UserError(f"{setting.key} is not set.", ExitCode.NOTHING_FOUND)
    else:
        print(shown(setting.value))
    return ExitCode.OK


def _print_all(found: Sequence[Setting]) -> None:
    from carryover.cli.table import Column, print_table

    home = Path.home()
    rows = []
    for setting in found:
        is_set = setting.origin != DEFAULT
        origin = short_path(setting.origin, home) if is_set else DEFAULT
        rows.append((paint(setting.key, BOLD) if is_set else setting.key, shown(setting.value), origin))
    print_table((Column("SETTING"), Column("VALUE", least=16), Column("FROM", least=12, keep_end=True)), rows)
