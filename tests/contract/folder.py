"""What there is of one agent, also of one that is half written: nothing here fails because a part is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import carryover.agents
from carryover.adapter.contract import Agent
from carryover.adapter.spec import AgentSpec
from carryover.agents import places
from contract.case import Capabilities, Case

CHECKOUT: Final = Path(__file__).parents[2]
VERSION: Final = re.compile(r"\d+(\.\d+)+")
SOURCE: Final = Path(carryover.agents.__file__).parent


@dataclass(frozen=True, slots=True)
class Part:
    """One name that a module of the folder exports."""

    value: Any
    """None where it is not there or is not what it should be."""
    problem: str
    """Why not, in one line; empty where it is there."""


class Folder:
    """The folders of one agent. Every part is None where it is missing or cannot be loaded."""

    def __init__(self, agent_id: str) -> None:
        self.id = agent_id
        self.name = agent_id.replace("-", "_")
        self.source = _place(self.module) or SOURCE / self.name
        self.tests = _place(f"agents.{self.name}") or CHECKOUT / "tests" / "agents" / self.name

    @property
    def module(self) -> str:
        """The package of its spec and its adapter."""
        known = (place.module for place in places() if place.id == self.id)
        return next(known, f"carryover.agents.{self.name}")

    @property
    def spec(self) -> AgentSpec | None:
        spec: AgentSpec | None = self.part("__init__", "SPEC").value
        return spec

    @property
    def agent(self) -> Agent | None:
        agent: Agent | None = self.part("adapter", "AGENT").value
        return agent

    @property
    def cases(self) -> dict[str, Case]:
        """The material of the contract suite by the agent's id, that of its further kinds of sources by `<id>/<kind>`.

        Without what has no recording to begin with.
        """
        case: Case | None = self.part("contract_case", "CASE").value
        further: dict[str, Case] = self.part("contract_case", "FURTHER_CASES", dict).value or {}
        named = {self.id: case, **{f"{self.id}/{kind}": other for kind, other in further.items()}}
        return {name: each for name, each in named.items() if each is not None and each.recordings}

    @property
    def capabilities(self) -> Capabilities | None:
        found: Capabilities | None = self.part("contract_case", "CAPABILITIES", Capabilities).value
        return found

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions of the real client that `make test-agents` runs, newest first."""
        found: tuple[str, ...] | None = self.part("client", "VERSIONS").value
        return found or ()

    def fixture_versions(self) -> tuple[str, ...]:
        """Returns the versions that its fixtures were recorded with, oldest first."""
        fixtures = self.tests / "fixtures"
        names = [path.name for path in fixtures.iterdir() if path.is_dir()] if fixtures.is_dir() else []
        versions = [name for name in names if VERSION.fullmatch(name)]
        return tuple(sorted(versions, key=lambda name: [int(part) for part in name.split(".")]))

    def part(self, module: str, name: str, kind: type | None = None) -> Part:
        """What `module` exports as `name`: of the usual type of its exports, if not of `kind`."""
        package, usual = _EXPORTS[module]
        folder = f"{package}.{self.name}" if package else self.module
        return _load(f"{folder}.{module}".removesuffix(".__init__"), name, kind or usual)


def folders() -> tuple[Folder, ...]:
    """Returns every agent that has a folder, whatever is in it."""
    return tuple(Folder(place.id) for place in places() if find_spec(place.module))


_EXPORTS: Final[dict[str, tuple[str, type]]] = {
    "__init__": ("", AgentSpec),
    "adapter": ("", Agent),
    "contract_case": ("agents", Case),
    "matrix_case": ("agents", tuple),
    "client": ("real_agents", tuple),
}


@cache
def _load(module: str, name: str, kind: type) -> Part:
    """The export, checked for its type. Whatever an unfinished module raises becomes the problem."""
    try:
        value = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        here = error.name is not None and (module == error.name or module.startswith(f"{error.name}."))
        return Part(None, "it is not there" if here else f"it imports {error.name}, which is not there")
    except AttributeError as error:
        return Part(None, f"it exports no {name}" if error.name == name else _said(error))
    except Exception as error:
        return Part(None, _said(error))
    if not isinstance(value, kind):
        return Part(None, f"its {name} is of type {type(value).__name__}, not {kind.__name__}")
    return Part(value, "")


def _said(error: Exception) -> str:
    first = (str(error).splitlines() or [""])[0]
    return f"loading it raises {type(error).__name__}: {first}"


def _place(package: str) -> Path | None:
    """The folder of a package or of a folder of test modules; None where there is none."""
    found = find_spec(package)
    places = found.submodule_search_locations if found is not None else None
    return Path(next(iter(places))) if places else None
