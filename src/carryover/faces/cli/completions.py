"""Answers a shell that completes a word."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from carryover.errors import UserError
from carryover.terminal.output import ago
from carryover.text.harmless import one_line

_MOST_SESSIONS: Final = 60
MEANING_LIMIT: Final = 50

_Values = Iterator[tuple[str, str]]
"""Completion values, each with its description."""


def _quietly(values: Callable[[str], _Values]) -> Callable[..., dict[str, str]]:
    def complete_values(prefix: str, **_context: object) -> dict[str, str]:
        try:
            return {value: one_line(meaning, MEANING_LIMIT) for value, meaning in values(prefix)}
        except (UserError, OSError):  # completion must not print messages
            return {}

    return complete_values


def _sessions(_typed: str) -> _Values:
    from carryover.clock import utc_now_ms
    from carryover.model import LAST, id_in_command
    from carryover.past.sessions import newest_sessions

    sessions = newest_sessions(_MOST_SESSIONS)
    yield LAST, "the newest session of this project"
    for session in sessions:
        if id_in_command(session.short) == session.short:
            what = session.title or ""
            yield session.short, f"{session.agent_name}, {ago(session.last_ms, utc_now_ms())}, {what}"


def _agents(typed: str) -> _Values:
    from carryover.actions.agents import agents_to_list

    taken = typed[: typed.rfind(",") + 1]  # `--agents` takes several
    yield from ((taken + agent.id, agent.name) for agent in agents_to_list())


def _settings(_typed: str) -> _Values:
    from carryover.actions.settings import setting_names

    yield from ((name, "") for name in setting_names())


def complete(
    parser: argparse.ArgumentParser, arguments: Iterable[argparse.Action], commands: Mapping[str, str]
) -> None:
    """Answers a completion request from the shell and exits. `arguments` are those of the command being typed."""
    import argcomplete
    from argcomplete.completers import DirectoriesCompleter, FilesCompleter

    completers: dict[str, Callable[..., Any]] = {
        "COMMAND": lambda **_: commands,
        "ID": _quietly(_sessions),
        **dict.fromkeys(("AGENT", "IDS"), _quietly(_agents)),
        "KEY": _quietly(_settings),
        "FILE": FilesCompleter(),
        **dict.fromkeys(("PROJECT", "DIR", "OLD", "NEW"), DirectoriesCompleter()),
    }
    for action in arguments:
        if not action.choices:
            completer = completers.get(str(action.metavar), lambda **_: ())
            setattr(action, "completer", completer)  # noqa: B010 (argcomplete looks there)

    def begins(value: str, typed: str) -> bool:
        return value.lower().startswith(typed.lower())

    argcomplete.autocomplete(parser, always_complete_options=False, validator=begins)
