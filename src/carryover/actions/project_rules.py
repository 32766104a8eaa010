"""What may be written into projects, by the answer to `carryover install`, in sentences."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, get_args

from carryover.adapter.spec import AGENTS_MD
from carryover.agents import instruction_files, local_files
from carryover.config import Config, Pointers
from carryover.project_file import FORMER_POINTERS
from carryover.projects.handoff_file import IN_PROJECT
from carryover.publish.gitignore import EXCLUDE
from carryover.publish.pointers import NEW_FILE, POINTER_LINES
from carryover.terminal.output import counted

POINTERS: Final[tuple[Pointers, ...]] = get_args(Pointers)
"""All answers."""
POINTER: Final = NEW_FILE.decode().splitlines()
"""The lines that are written into an instruction file."""


def present_pointers(answer: str) -> str:
    """Returns an answer of a trial version as what it is now; others unchanged."""
    return FORMER_POINTERS.get(answer, answer)


_WHERE: Final = "In each project with an agent's work in the last {days}, and in others once one works there"
_HANDOFF: Final = f"{_WHERE}: {IN_PROJECT}, kept out of commits by {EXCLUDE} where there is Git."
_NOTHING: Final = "Nothing: agents get the handoff by hooks, or by `carryover to`."
_RULES: Final[Mapping[Pointers, tuple[str, ...]]] = {
    "shared": (
        _HANDOFF,
        "Once an agent works in a project, not before: {pointers}.",
        "Git will show the pointers as changes until you commit them.",
    ),
    "local": (
        _HANDOFF,
        "And a pointer to it in AGENTS.md where no branch has one{own_files}.",
        "Nothing that git shows; an agent whose own file is tracked gets it by hooks.",
    ),
    "off": (_NOTHING,),
}
"""What each answer allows and when."""
_SHORT_RULES: Final[Mapping[Pointers, str]] = {
    "shared": f"{IN_PROJECT}. AGENTS.md and the like will point to it; git shows that until you commit it.",
    "local": f"{IN_PROJECT}, and files that point to it. Nothing that git shows.",
    "off": _NOTHING,
}


def rule_for(pointers: Pointers, agents: Collection[str], config: Config) -> tuple[str, ...]:
    """Describes what `pointers` allows for these agents, in sentences."""
    facts = {"own_files": _own_files(agents), "pointers": _pointers(agents)}
    days = counted(config.publish.active_days, "day")
    return tuple(sentence.format(days=days, **facts) for sentence in _RULES[pointers])


def short_rule(pointers: Pointers) -> str:
    """Describes what `pointers` allows in few words, for a screen."""
    return _SHORT_RULES[pointers]


def _own_files(agents: Collection[str]) -> str:
    names = [file.name for agent, file in local_files().items() if agent in agents]
    return f", or where that is not read in {', '.join(names)}" if names else ""


def _pointers(agents: Collection[str]) -> str:
    """Names the files that get the pointer."""
    readers = instruction_files().items()
    extended = [name for name, ids in readers if name != AGENTS_MD and not ids.keys().isdisjoint(agents)]
    yours = f" and in your {' and '.join(extended)}" if extended else ""
    return f"{POINTER_LINES} lines that point to the handoff in {AGENTS_MD} (created if missing){yours}"
