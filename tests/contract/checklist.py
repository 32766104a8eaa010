"""What a new agent's folder still lacks, as a list to work through: `pytest tests/contract --agent ID` prints it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from contract.case import HOW_SHOWN, Capabilities, Case, shown
from contract.folder import SOURCE, VERSION, Folder
from contract.table import is_current

PARTS: Final = {
    ("__init__", "SPEC"): "Write an AgentSpec (adapter/spec.py): id, names, commands and folders first.",
    (
        "client",
        "VERSIONS",
    ): "Write the driver (lab/tool.py): it records the fixtures, and rows run with these versions.",
    ("adapter", "AGENT"): "Write an Agent (adapter/contract.py): its sources, their reader, and parse.",
    ("contract_case", "CASE"): "Write a Case (contract/case.py): the records with which the suite tests the adapter.",
    ("matrix_case", "TOOLS"): "Write a matrix.tool.Tool for each program: how it writes, and how a handoff reaches it.",
    ("contract_case", "CAPABILITIES"): "Write a Capabilities (contract/case.py): what is read and shown.",
}
"""Module and export → what to do if it is missing."""
_KINDS: Final = {"CAPABILITIES": Capabilities}
"""Types of exports that are not the usual one of their module."""
_MATERIAL: Final = {
    "recordings": "Give the transcripts among the fixtures: until there is one, no test of events can run.",
    "unknown": "Give well-formed records of kinds that no version writes: each must be counted as skipped.",
    "not_typed": "Give records that look like a prompt and that no person typed.",
    "forms": "Give the client's texts for a refusal, an answer, an interruption, a reminder, a summary, a limit.",
    "strangers": "Give names of files beside the transcripts that are none.",
    "stages": "Give functions that write it state by state; lines that are only appended need none (grows_by_lines).",
    "payloads": "Give what the real client handed to hooks, at least one for each event.",
    "foreign": "Give payloads of another program that runs this agent's hooks.",
}


class Item(NamedTuple):
    """One thing that a folder has or, if there is a problem, lacks."""

    what: str
    problem: str
    advice: str

    def __str__(self) -> str:
        return f"✗ {self.what}: {self.problem}. {self.advice}" if self.problem else f"✓ {self.what}"


def checklist(folder: Folder) -> list[Item]:
    """Returns all there is to write for an agent, in the order in which to write it."""
    return [*_files(folder), *_parts(folder), *_spec(folder), *_case(folder), *_capabilities(folder)]


def missing(folder: Folder) -> list[str]:
    """Returns what the folder must still get."""
    return [str(item) for item in checklist(folder) if item.problem]


def _files(folder: Folder) -> Iterator[Item]:
    init, facts = folder.source / "__init__.py", folder.source / "FACTS.md"
    yield Item(str(init), "" if init.is_file() else "it is not there", "Say in its docstring what the agent is.")
    rows = [line for line in facts.read_text("utf-8").splitlines() if line[:1] == "|"] if facts.is_file() else []
    problem = "" if any(map(VERSION.search, rows)) else "no row of a table names a version"
    yield Item(str(facts), problem, "List each fact with the version it was seen in and the test that holds it.")


def _parts(folder: Folder) -> Iterator[Item]:
    synthetic = folder.capabilities is not None and bool(folder.capabilities.synthetic)
    for (module, name), advice in PARTS.items():
        if not (module == "client" and synthetic):
            yield Item(f"{module}.py exports {name}", folder.part(module, name, _KINDS.get(name)).problem, advice)
    if not synthetic:
        problem = "" if folder.fixture_versions() else "there is no folder named by a version"
        yield Item(f"{folder.tests}/fixtures/<version>/", problem, "Record sessions of the real client.")


def _spec(folder: Folder) -> Iterator[Item]:
    spec = folder.spec
    if spec is None:
        return
    yield Item("SPEC.id", "" if spec.id == folder.id else f"it is {spec.id}", f"The folder belongs to {folder.id}.")
    yield Item("SPEC.version", "" if spec.version else "it is None", "Give the arguments that print it, within 5 s.")
    agent = folder.agent
    differ = agent is not None and bool(spec.hooks.events) != (agent.hooks is not None)
    yield Item("SPEC.hooks", "AGENT.hooks does not go with it" if differ else "", "Give both, or neither.")


def _case(folder: Folder) -> Iterator[Item]:
    case: Case | None = folder.part("contract_case", "CASE").value
    agent = folder.agent
    if case is None or agent is None:
        return
    unneeded = {"stages"} if case.grows_by_lines else set()
    unneeded |= {"payloads", "foreign"} if agent.hooks is None else set()
    for name, advice in _MATERIAL.items():
        if name not in unneeded:
            yield Item(f"CASE.{name}", "" if getattr(case, name) else "it is empty", advice)
    events = agent.spec.hooks.events
    without = sorted(set(events) - {payload.event for payload in case.payloads})
    yield Item("CASE.payloads", f"none is of {', '.join(without)}" if without else "", _MATERIAL["payloads"])


def _capabilities(folder: Folder) -> Iterator[Item]:
    claims = folder.capabilities
    if claims is None or folder.agent is None or not folder.cases:
        return
    try:
        proved = shown(folder.agent, folder.cases.values())
    except Exception as error:  # an unfinished parser: the tests of events say more
        yield Item("CAPABILITIES.shows", f"reading the recordings raises {type(error).__name__}", "Run the tests.")
        return
    for name in sorted(claims.shows | proved):
        problem = "" if name in proved else "no fixture shows it"
        problem = problem if name in claims.shows else "the fixtures show it, and it is not claimed"
        yield Item(f'"{name}" in CAPABILITIES.shows', problem, f"It counts if {HOW_SHOWN[name]}.")
    if folder.source.is_relative_to(SOURCE):
        yield Item("README.md and docs/", "" if is_current() else "the tables are not current", "Run `make table`.")
