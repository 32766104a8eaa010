"""The project that a client of `carryover mcp` works in, and the tools' answers about it. Blocking."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final

from carryover.errors import ExitCode, UserError
from carryover.faces.mcp.tools import TOOLS
from carryover.facts import ProjectRoot
from carryover.past.context import current_folder
from carryover.past.recall import folder_identity, handoff, neutral, project_at, recall, turn

_MOST_REFUSED: Final = 500
"""Characters kept of each end of an error message, which may quote an argument of any length."""
_MOST_READ: Final = 10_000
"""Characters of each end that are made harmless first, so that what is kept begins within no secret."""


class ClientProject:
    """The project that the client works in. No argument of a tool can select another one.

    project = ClientProject(ask_root, began_ms=...)  # `ask_root` returns the first folder that the client names
    text, failed = project.call("recall", {"query": "discount"})
    """

    def __init__(self, ask_root: Callable[[], str | None], *, began_ms: int) -> None:
        self._ask_root = ask_root
        self._began_ms = began_ms
        self._folder: str | None = None
        self._first: tuple[ProjectRoot, tuple[int, int]] | None = None
        """The project of the first call, and its folder."""
        self._lock = Lock()

    def call(self, name: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        """Returns the text that a tool answers with, and whether the call failed. The text of a failed call says why,
        so that the model can correct the call."""
        try:
            return self._answer(self._same_project(), name, arguments), False
        except UserError as error:
            said = str(error)
            text: str = neutral(said if len(said) <= 2 * _MOST_READ else f"{said[:_MOST_READ]} {said[-_MOST_READ:]}")
        if len(text) > 2 * _MOST_REFUSED:
            text = f"{text[:_MOST_REFUSED]} … {text[-_MOST_REFUSED:]}"
        return text, True

    def _same_project(self) -> ProjectRoot:
        """Returns the project of the first call. Raises UserError if the folder is gone or holds another project."""
        with self._lock:
            self._folder = self._folder or self._ask_root() or _started_in()
            project = project_at(self._folder)
            now = project, folder_identity(project)
            self._first = self._first or now
        if now != self._first:
            raise UserError(
                f"{self._first[0].root} is not the folder that it was when this server was first asked: it was "
                "replaced, or belongs to another repository. Nothing was read. Start the server again to ask about "
                "what is there."
            )
        return project

    def _answer(self, project: ProjectRoot, name: str, values: Mapping[str, Any]) -> str:
        """Returns a tool's answer. Raises UserError for an unknown tool or argument, and for a missing argument."""
        schemas = {tool["name"]: tool["inputSchema"] for tool in TOOLS}
        if name not in schemas:
            raise UserError(f"There is no tool {name!r}. The tools are {', '.join(schemas)}.")
        arguments = schemas[name]["properties"]
        if unknown := values.keys() - arguments.keys():
            names = ", ".join(sorted(arguments))
            raise UserError(f"{name!r} takes no {', '.join(sorted(unknown))}. Its arguments are {names}.")
        match name, values:
            case "recall", {"query": str(query)}:
                return recall(project, query, values.get("kind"))
            case "turn", {"turn": str() | int() as wanted}:
                named, page = _turn_named(str(wanted), values.get("session")), values.get("page")
                return turn(project, named, page if isinstance(page, int) else 1, began_ms=self._began_ms)
            case "handoff", _:
                tokens = values.get("tokens")
                return handoff(project, tokens) if isinstance(tokens, int) else handoff(project)
        [needed] = schemas[name]["required"]
        raise UserError(f"{name!r} needs {needed}: {arguments[needed]['description']}.")


def _turn_named(wanted: str, session: object) -> str:
    """Returns a turn's name, with its session if the client gave that as an argument of its own."""
    return wanted if session is None or " of " in wanted else f"{wanted} of {session}"


def _started_in() -> str:
    """Returns the folder that the server was started in. Raises UserError if it is gone."""
    folder = current_folder()
    if folder is None:
        gone = "The folder that this server was started in is gone. Start it again in one that is there."
        raise UserError(gone, ExitCode.NOTHING_FOUND)
    return str(folder)
