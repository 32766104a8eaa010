"""One home with every client that has a driver, Carryover installed for all of them, and a daemon."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version

from real_agents.handover import story
from real_agents.lab import handoffs, packages, product, shop
from real_agents.lab.box import HOME, Box
from real_agents.lab.shop import WORK
from real_agents.lab.tool import Arrives, Installed, Tool, port_of, tools


@dataclass(frozen=True, slots=True)
class World:
    box: Box
    hooks: bool
    tools: dict[str, Tool]
    absent: dict[str, str]

    def project(self, name: str, files: Mapping[str, str] = story.FILES) -> Path:
        root = WORK / name
        shop.make_project(self.box, root, files)
        for tool in self.tools.values():
            tool.trust(root)
        return root

    def arrives(self, tool: Tool) -> Arrives:
        return "pointer" if tool.ARRIVES == "hook" and not self.hooks else tool.ARRIVES

    def hook_calls(self) -> int:
        """Calls of hooks that the daemon has had since its start, whatever became of them."""
        return product.hook_calls(self.box).total()


@contextmanager
def made(*, hooks: bool) -> Iterator[World]:
    """Installed as the user does it, every hook reviewed; then all switched off where `hooks` is false.

    Each client has worked in another project before. A client that cannot be fetched is absent.
    """
    installed, absent = _fetched()
    with shop.boxed(*installed.values()) as box:
        started = {agent_id: tools()[agent_id](box, each, port_of(agent_id)) for agent_id, each in installed.items()}
        world = World(box, hooks, started, absent)
        for tool in started.values():
            tool.start_model()
        _set_up(world)
        yield world


def _fetched() -> tuple[dict[str, Installed], dict[str, str]]:
    installed: dict[str, Installed] = {}
    absent: dict[str, str] = {}
    for agent_id, tool in tools().items():
        version = tool.versions()[0]
        if Version(version) < Version(tool.OLDEST):
            absent[agent_id] = f"{tool.NAME} {version} was chosen; the table needs {tool.OLDEST} or newer"
            continue
        try:
            installed[agent_id] = tool.install(version)
        except packages.NotInstalled as reason:
            absent[agent_id] = str(reason)
    return installed, absent


def _set_up(world: World) -> None:
    other = world.project("zoo", story.OTHER_FILES)
    product.carryover(world.box, "install", "--yes", "--no-service")
    product.start_daemon(world.box)
    for tool in world.tools.values():
        if world.hooks:
            tool.review_hooks(other)
        else:
            tool.switch_hooks_off()
    for tool in world.tools.values():
        tool.turn(other, story.OTHER_TASK, story.OTHER_ANSWER)
    product.settle(world.box)
    log = world.box.here(HOME / ".carryover" / "carryoverd.log").read_text("utf-8")
    assert story.OTHER_TASK in handoffs.read(world.box, other), f"nothing was recorded that could leak; the log:\n{log}"
