"""Lists the agents with the packages that they are from, and checks the agents of one package."""

from __future__ import annotations

import tempfile
import traceback
from importlib.util import find_spec
from pathlib import Path

import msgspec

from carryover import agents
from carryover.errors import ExitCode, UserError
from carryover.packages import ENTRY_POINT_GROUP, PackagePlace, entry_points
from carryover.packages import OWN as OWN
from carryover.past.check.checks import of_agent
from carryover.past.check.reading import read_on, understood
from carryover.transcript.sources import sources_of


class KnownAgent(msgspec.Struct, frozen=True):
    """An agent. `package`: the installed package that brings it. `problem`: why it is left out; None if it is not."""

    id: str
    name: str
    package: str
    problem: str | None = None


class Checked(msgspec.Struct, frozen=True):
    """The findings about an agent; none if it keeps the contract. `understood`: how much of each kind is in its
    recordings, by its name."""

    id: str
    findings: list[str]
    understood: dict[str, int] = {}


def every_agent() -> list[KnownAgent]:
    """Returns every agent, and after them those of packages that are left out."""
    out, names = agents.left_out(), {spec.id: spec.name for spec in agents.specs()}
    known = [place for place in agents.places() if place not in out]
    return [
        *(KnownAgent(place.id, names.get(place.id, place.id), place.package) for place in known),
        *(KnownAgent(place.id, place.id, place.package, problem) for place, problem in out.items()),
    ]


def checked_package(package: str) -> list[Checked]:
    """Checks each agent of a package, which may also be named by its module or by the agent's id.

    Raises UserError if it brings none.
    """
    wanted = package.replace("_", "-").lower()
    names = ((place, {place.id, place.module, place.package}) for place in entry_points())
    found = [place for place, known in names if wanted in {name.replace("_", "-").lower() for name in known}]
    if not found:
        raise UserError(
            f"No package {package!r} with an entry point of {ENTRY_POINT_GROUP} is installed beside Carryover, whose "
            "own agents its tests check. `carryover agents` lists all agents, with the package that each comes from.",
            ExitCode.NOTHING_FOUND,
        )
    out = agents.left_out()
    return [Checked(place.id, [out[place]]) if place in out else _checked(place) for place in found]


def _checked(place: PackagePlace) -> Checked:
    spec = find_spec(place.module)
    [folder, *_] = (spec.submodule_search_locations if spec is not None else None) or [""]
    agent = agents.agent_at(place)
    if isinstance(agent, str):
        return Checked(place.id, [agent])
    home = Path(folder) / "recordings"
    with tempfile.TemporaryDirectory(prefix="carryover-check-") as scratch:
        try:
            findings = [*of_agent(agent, home, Path(scratch))]
            sources = [source for root in agent.spec.roots(home, {}) for source in sources_of(agent, root)]
            return Checked(place.id, findings, understood(read_on(agent, source) for source in sources))
        except Exception as error:
            said = (str(error).splitlines() or [""])[0]
            return Checked(place.id, [f"it raises {type(error).__name__}{_line_in(folder, error)}: {said}"])


def _line_in(folder: str, error: Exception) -> str:
    """Returns the last of the lines below `folder` that led to an error, with words before it; empty if none did."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(folder)
    ]
    return f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if folder and frames else ""
