"""What a new agent's folder still lacks, as a list to work through: `pytest tests/contract --agent ID` prints it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from contract.capabilities import HOW_SHOWN, Capabilities, shown
from contract.case import Case
from contract.folder import CHECKOUT, SOURCE, VERSION, Folder
from contract.table import is_current

State = Literal["done", "missing", "optional"]
MARKS: Final[dict[State, str]] = {"done": "✓", "missing": "✗", "optional": "–"}


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a folder has or lacks. An optional one may stay away: `advice` says when that is right."""

    what: str
    state: State
    advice: str = ""

    def __str__(self) -> str:
        return f"{MARKS[self.state]} {self.what}" + (f": {self.advice}" if self.advice else "")


def checklist(folder: Folder) -> list[Item]:
    """Returns all there is to write for an agent, in the order in which to write it."""
    return [
        *_package(folder),
        *_spec(folder),
        *_adapter(folder),
        *_facts(folder),
        *_fixtures(folder),
        *_case(folder),
        *_matrix(folder),
        *_capabilities(folder),
        *_real(folder),
        *_readme(folder),
    ]


def missing(folder: Folder) -> list[str]:
    """Returns what the folder must still get."""
    return [str(item) for item in checklist(folder) if item.state == "missing"]


def _item(what: str, problem: str, advice: str) -> Item:
    """Done where there is no problem; else the problem, and what to do about it."""
    return Item(what, "missing", f"{problem}. {advice}") if problem else Item(what, "done")


def _package(folder: Folder) -> Iterator[Item]:
    init = folder.source / "__init__.py"
    has_docstring = init.is_file() and '"""' in init.read_text("utf-8")
    problem = "" if has_docstring else "its docstring is missing" if init.is_file() else "it is not there"
    yield _item(
        f"{_shown(init)}", problem, "Write a docstring that says what the agent is; the file makes the folder an agent."
    )


def _spec(folder: Folder) -> Iterator[Item]:
    part = folder.part("spec", "SPEC")
    yield _item(
        f"{_shown(folder.source)}/spec.py exports SPEC",
        part.problem,
        "Write an AgentSpec (adapter/spec.py): id, names, commands and folders first; the rest is listed here next.",
    )
    spec = folder.spec
    if spec is None:
        return
    yield _item(
        "SPEC.id",
        "" if spec.id == folder.id else f"it is {spec.id}",
        f"The folder {folder.name} belongs to the id {folder.id}.",
    )
    yield _item(
        "SPEC.version",
        "" if spec.version is not None else "it is None",
        "Give a VersionProbe: the arguments that print the version, and a pattern with one group for it.",
    )
    fields = {
        "transcripts": (spec.transcripts, "right only if its transcripts are in the projects themselves"),
        "instructions": (spec.instructions, "right only if it reads no file of a project by itself"),
        "hooks.sets": (spec.hooks.sets, "right only if no version has hooks"),
        "hooks.injects_on": (spec.hooks.injects_on, "right only if no hook can put text into a session"),
        "start": (spec.start, "right only if it cannot be started with a first prompt"),
    }
    for name, (value, right) in fields.items():
        yield Item(f"SPEC.{name}", "done") if value else Item(f"SPEC.{name}", "optional", f"empty, {right}")


def _adapter(folder: Folder) -> Iterator[Item]:
    part = folder.part("adapter", "AGENT")
    yield _item(
        f"{_shown(folder.source)}/adapter.py exports AGENT",
        part.problem,
        "Write an Agent (adapter/contract.py): which files are sources, their reader, the context type, and parse.",
    )
    agent, spec = folder.agent, folder.spec
    if agent is None or spec is None or not (spec.hooks.sets or agent.hooks):
        return
    installed = {event for known in spec.hooks.sets for event in known.events}
    asked = set(agent.hooks.events) if agent.hooks is not None else set()
    unread, unset = sorted(installed - asked), sorted(asked - installed)
    problem = f"SPEC installs {', '.join(unread)}, which AGENT.hooks.events lacks" if unread else ""
    problem = problem or (f"AGENT.hooks.events has {', '.join(unset)}, which SPEC never installs" if unset else "")
    yield _item("AGENT.hooks reads the events that SPEC installs", problem, "Make both name the same events.")


def _facts(folder: Folder) -> Iterator[Item]:
    path = folder.source / "FACTS.md"
    text = path.read_text("utf-8") if path.is_file() else ""
    facts = [line for line in text.splitlines() if line.startswith("|") and VERSION.search(line)]
    problem = "" if facts else "no row of a table in it names a version" if text else "it is not there"
    yield _item(
        f"{_shown(path)}",
        problem,
        "List each fact about the format with the version it was seen in and the fixture or test that holds it.",
    )


def _fixtures(folder: Folder) -> Iterator[Item]:
    what = f"{_shown(folder.tests)}/fixtures/<version>/"
    versions = folder.fixture_versions()
    if not versions and folder.capabilities is not None and folder.capabilities.synthetic:
        yield Item(what, "optional", f"none, {folder.capabilities.synthetic}")
        return
    yield _item(
        what,
        "" if versions else "there is no folder named by a version",
        "Record sessions of the real client: an edit, a failing test, a plan, a sub-agent, a compaction, a limit.",
    )


_MATERIAL: Final = {
    "recordings": "the transcripts among the fixtures; until there is one, no test of events can run",
    "unknown": "well-formed records of kinds that no version writes: each must be counted as skipped",
    "not_typed": "records that look like a prompt and that no person typed",
    "strangers": "names of files beside the transcripts that are none",
}
_HOOK_MATERIAL: Final = {
    "payloads": "what the real client handed to hooks, at least one for each event",
    "foreign": "payloads of another program that runs this agent's hooks",
}


def _case(folder: Folder) -> Iterator[Item]:
    part = folder.part("contract_case", "CASE")
    yield _item(
        f"{_shown(folder.tests)}/contract_case.py exports CASE",
        part.problem,
        "Write a Case (contract/case.py): the records with which the suite tests the adapter.",
    )
    case: Case | None = part.value
    if case is None:
        return
    with_hooks = folder.agent is not None and folder.agent.hooks is not None
    for name, meaning in {**_MATERIAL, **(_HOOK_MATERIAL if with_hooks else {})}.items():
        yield _item(f"CASE.{name}", "" if getattr(case, name) else "it is empty", f"Give {meaning}.")
    if folder.agent is not None and folder.agent.hooks is not None:
        without = sorted(set(folder.agent.hooks.events) - {payload.event for payload in case.payloads})
        problem = f"none is of {', '.join(without)}" if without and case.payloads else ""
        yield _item("CASE.payloads of each event", problem, "Record what the client hands over there.")
    if not case.grows_by_lines:
        yield _item(
            "CASE.stages",
            "" if case.stages else "it is empty",
            "A source that is rewritten needs functions that write it state by state.",
        )


def _matrix(folder: Folder) -> Iterator[Item]:
    part = folder.part("matrix_case", "TOOLS")
    yield _item(
        f"{_shown(folder.tests)}/matrix_case.py exports TOOLS",
        part.problem or ("" if part.value else "it is empty"),
        "Write a matrix.tool.Tool for each program: how it writes a session, and how a handoff reaches it.",
    )


def _capabilities(folder: Folder) -> Iterator[Item]:
    part = folder.part("capabilities", "CAPABILITIES")
    yield _item(
        f"{_shown(folder.tests)}/capabilities.py exports CAPABILITIES",
        part.problem,
        "Write a Capabilities (contract/capabilities.py): what is read, and what the fixtures show.",
    )
    claims: Capabilities | None = part.value
    if claims is None or folder.agent is None or not folder.cases:
        return
    try:
        proved = shown(folder.agent, folder.cases.values())
    except Exception as error:  # an unfinished parser: the tests of events say more
        yield _item("CAPABILITIES.shows", f"reading the recordings raises {type(error).__name__}", "Run the tests.")
        return
    for name in sorted(claims.shows - proved):
        yield _item(f'"{name}" in CAPABILITIES.shows', "no fixture shows it", f"It counts once {HOW_SHOWN[name]}.")
    for name in sorted(proved - claims.shows):
        yield _item(f'"{name}" in CAPABILITIES.shows', "the fixtures show it, and it is not claimed", "Add it.")
    for name in sorted(claims.shows & proved):
        yield Item(f'"{name}" in CAPABILITIES.shows', "done")
    for name in sorted(HOW_SHOWN.keys() - claims.shows - proved):
        yield Item(f'"{name}"', "optional", f"not claimed; it can be once {HOW_SHOWN[name]}")


def _real(folder: Folder) -> Iterator[Item]:
    client = folder.part("client", "VERSIONS")
    reason = folder.capabilities.synthetic if folder.capabilities is not None else ""
    if reason and not folder.versions:
        yield Item("tests/real_agents", "optional", f"no rows, {reason}")
        return
    yield _item(
        f"{_shown(folder.real)}/client.py exports VERSIONS and TOOL",
        client.problem,
        "Name the versions that the rows run with, newest first, and write the driver (lab/tool.py says how).",
    )


def _readme(folder: Folder) -> Iterator[Item]:
    if folder.spec is None or folder.capabilities is None or not folder.source.is_relative_to(SOURCE):
        return
    yield _item(
        "README.md and docs/", "" if is_current() else "the tables of agents are not current", "Run `make table`."
    )


def _shown(path: Path) -> Path:
    return path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path
