"""The project that a client of `carryover mcp` works in, and what the tools answer about it. Blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final

from carryover.errors import ExitCode, UserError
from carryover.faces.mcp.tools import TOOLS
from carryover.past.budget import MAX_TOKENS
from carryover.past.context import current_folder
from carryover.past.recall import ProjectFolder, handoff, neutral, project_at, recall, turn

_MOST_REFUSED: Final = 500
"""Characters that are kept of a refusal's beginning and of its end: it may quote an argument of any length."""
_NO_TOOL: Final[Mapping[str, Any]] = {"properties": {}, "required": []}


class Project:
    """The project that the client works in, which no argument of a tool can change.

    project = Project(ask_root, began_ms=...)  # `ask_root` returns the first folder that the client names, or None
    text, failed = project.called("recall", {"query": "discount"})
    """

    def __init__(self, ask_root: Callable[[], str | None], *, began_ms: int) -> None:
        self._ask_root = ask_root
        self._began_ms = began_ms
        self._folder: str | None = None
        self._first: ProjectFolder | None = None
        self._asking = Lock()

    def called(self, name: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
        """Returns what a tool answers, and whether it failed: a failure is an answer too, so that the model can do
        better."""
        try:
            return self._answer(self._asked_about(), name, arguments), False
        except UserError as error:
            text = neutral(str(error))
            is_short = len(text) <= 2 * _MOST_REFUSED
            return text if is_short else f"{text[:_MOST_REFUSED]} … {text[-_MOST_REFUSED:]}", True

    def _asked_about(self) -> ProjectFolder:
        """Returns the project of the first call. Raises UserError if another is in its place now, or none."""
        with self._asking:
            self._folder = self._folder or self._ask_root() or _started_in()
            project = project_at(self._folder)
            self._first = self._first or project
        if project != self._first:
            raise UserError(
                f"{self._first.root} is not the folder that it was when this server was first asked: it was replaced, "
                "or belongs to another repository. Nothing was read. Start the server again to ask about what is there."
            )
        return project

    def _answer(self, project: ProjectFolder, name: str, values: Mapping[str, Any]) -> str:
        """Returns what a tool answers. Raises UserError if arguments are missing, or are something else."""
        schema = next((tool["inputSchema"] for tool in TOOLS if tool["name"] == name), _NO_TOOL)
        arguments = schema["properties"]
        if arguments and (unknown := values.keys() - arguments.keys()):
            names = ", ".join(sorted(arguments))
            raise UserError(f"{name!r} takes no {', '.join(sorted(unknown))}. Its arguments are {names}.")
        match name, values:
            case "recall", {"query": str(query)}:
                return recall(project, query, values.get("kind"))
            case "turn", {"turn": str() | int() as wanted}:
                page, session = values.get("page"), values.get("session")
                is_named = session is None or " of " in str(wanted)
                turn_name = str(wanted) if is_named else f"{wanted} of {session}"
                return turn(project, turn_name, page if isinstance(page, int) else 1, began_ms=self._began_ms)
            case "handoff", _:
                tokens = values.get("tokens")
                return handoff(project, tokens if isinstance(tokens, int) else MAX_TOKENS)
        for needed in schema["required"]:  # there is one at most
            raise UserError(f"{name!r} needs {needed}: {arguments[needed]['description']}.")
        names = ", ".join(tool["name"] for tool in TOOLS)
        raise UserError(f"There is no tool {name!r}. The tools are {names}.")


def _started_in() -> str:
    """Returns the folder that the server was started in. Raises UserError if it is gone."""
    if (folder := current_folder()) is None:
        raise UserError("The folder that this server was started in is gone.", ExitCode.NOTHING_FOUND)
    return str(folder)
