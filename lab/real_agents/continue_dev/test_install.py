"""Nothing of Carryover is left in Continue's settings or in a project after a purge. It has no hooks (1.5.47)."""

from typing import Final

from real_agents.continue_dev.client import FOLDER, TOOL
from real_agents.lab import product, shop
from real_agents.lab.box import HOME
from real_agents.lab.handoffs import POINTER
from real_agents.lab.rows import Row, newest
from real_agents.lab.shop import PROJECT, STATE
from real_agents.lab.tool import Tool
from real_agents.test_install import RULES, Own, Tree, differing, home, prepare

CLIENTS_OWN: Final = str(FOLDER.relative_to(HOME))
USERS: Final = (f"{CLIENTS_OWN}/config.yaml", f"{CLIENTS_OWN}/rules")


@newest(TOOL.id)
def test_a_purge_leaves_the_rules_and_settings_as_they_were(tool: Tool, row: Row) -> None:
    own = Own({**RULES, FOLDER / "rules" / "mine.md": "Be kind.", PROJECT / ".continue" / "rules" / "team.md": "Test."})
    prepare(tool, own)
    before = users(tool)
    shop.install(tool)
    daemon = product.start_daemon(tool.box)
    shop.do_the_work(tool)
    product.settle(tool.box)
    [request] = tool.turn(PROJECT, "Hello", "OK.").requests
    installed = users(tool)
    assert daemon.stop() == 0
    product.carryover(tool.box, "uninstall", "--purge", "--yes")
    after = users(tool)

    row.shown(f"differed while installed: {', '.join(changed(installed, before))}")
    row.shown(f"after the purge: {', '.join(changed(after, before)) or 'nothing'}")
    assert request.count(POINTER) == 1
    assert "work/shop/AGENTS.md" in changed(installed, before)
    assert changed(after, before) == []
    assert not tool.box.here(STATE).exists()


def users(tool: Tool) -> Tree:
    """The home without what the client itself writes beside its user's settings."""
    return {
        name: held for name, held in home(tool).items() if not name.startswith(CLIENTS_OWN) or name.startswith(USERS)
    }


def changed(one: Tree, other: Tree) -> list[str]:
    """What differs but for the work: the files that were edited, and our own folders."""
    worked = ("work/shop/prices.py", "work/shop/NOTES.md")
    return [name for name in differing(one, other) if name not in worked and not name.startswith(".carryover/")]
