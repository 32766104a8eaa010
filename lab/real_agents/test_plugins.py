"""The plugins in genuine clients, installed from a folder: alone, beside `carryover install`, and without Carryover."""

from collections.abc import Mapping, Sequence
from typing import Final

from contract.folder import CHECKOUT
from contract.plugins import HOOKS, MANIFESTS, MARKETPLACES, SERVERS
from real_agents.codex.client import Codex
from real_agents.lab import handoffs, product, shop
from real_agents.lab.box import ENVIRONMENT, HOME
from real_agents.lab.rows import Row, newest
from real_agents.lab.shop import PROJECT, TASK
from real_agents.lab.tool import Installed, Tool

FOLDER: Final = HOME / "checkout"
WAYS: Final[Mapping[str, Sequence[Sequence[str]]]] = {
    "claude-code": (
        ("plugin", "validate", str(FOLDER / "plugins" / "carryover")),
        ("plugin", "marketplace", "add", str(FOLDER)),
        ("plugin", "install", "carryover@carryover"),
    ),
    "codex": (("plugin", "marketplace", "add", str(FOLDER)), ("plugin", "add", "carryover@carryover")),
    "gemini-cli": (("extensions", "install", str(FOLDER), "--consent"),),
    "pi": (("install", str(FOLDER)),),
}
"""What a user types to install it (2.1.330; 0.169.0; 0.61.0; 1.5.2)."""
LISTS: Final = {
    "claude-code": "plugin:carryover:carryover: carryover mcp - ✔ Connected",
    "codex": "carryover  carryover  mcp",
    "gemini-cli": "carryover (from carryover): carryover mcp (stdio) - Connected",
}
"""What `mcp list` says of the server that a plugin brings. One for pi has none: pi's packages name no servers."""


@newest(*WAYS)
def test_a_plugin_alone_brings_the_handoff_once_and_the_server(tool: Tool, row: Row) -> None:
    """Nothing is installed but the program, whose daemon runs."""
    add_plugin(tool)
    shop.make_project(tool.box)
    product.start_daemon(tool.box)
    tool.review_hooks(PROJECT)
    shop.do_the_work(tool)
    product.settle(tool.box)
    found = shop.first_told(tool)

    assert [TASK in handoff for handoff in found] == [True]
    row.shown(f"{len(found)} handoff")
    if tool.id in LISTS:
        listed = said(tool, "mcp", "list")
        row.shown(next(line.strip() for line in listed.splitlines() if "carryover mcp" in " ".join(line.split())))
        assert " ".join(LISTS[tool.id].split()) in " ".join(listed.split())


@newest(*WAYS)
def test_beside_what_install_wrote_a_plugin_says_nothing(tool: Tool, row: Row) -> None:
    add_plugin(tool)
    shop.begin_worked(tool)
    product.settle(tool.box)
    found = shop.first_told(tool)

    assert [TASK in handoff for handoff in found] == [True]
    row.shown(f"{len(found)} handoff")


@newest(*WAYS)
def test_where_carryover_is_not_installed_a_plugin_disturbs_no_turn(
    client: tuple[type[Tool], Installed], row: Row
) -> None:
    kind, installed = client
    path = ":".join([*map(str, installed.path), ENVIRONMENT["PATH"]])
    with shop.alone(kind, installed, env={"PATH": path}) as tool:
        assert tool.box.run("sh", "-c", "command -v carryover").code != 0
        add_plugin(tool)
        shop.make_project(tool.box)
        tool.review_hooks(PROJECT)
        turn = tool.turn(PROJECT, "Hello", "So be it.")

        assert "So be it." in turn.seen
        assert handoffs.injected(turn.requests[0]) == []
        assert not tool.box.here(HOME / ".carryover").exists()
        row.shown("the turn ended with 0")


def add_plugin(tool: Tool) -> None:
    """Installs the plugin from a folder with the files of this checkout that clients read, as its user would."""
    for path in (*MARKETPLACES, *MANIFESTS, *SERVERS, *HOOKS.values()):
        tool.box.write(FOLDER / path.relative_to(CHECKOUT), path.read_text("utf-8"))
    tool.trust(FOLDER)
    if isinstance(tool, Codex):  # the rows of other tests turn plugins off, since looking for them takes time
        text = tool.box.here(tool.config).read_text("utf-8")
        tool.box.write(tool.config, text.replace("plugins = false", "plugins = true"))
    for words in WAYS[tool.id]:
        said(tool, *words)


def said(tool: Tool, *words: str) -> str:
    ran = tool.box.run(*tool.installed.command, *words, env=tool.environment)
    assert ran.code == 0, f"{' '.join(words)}: {ran.out}{ran.err}"
    return ran.out + ran.err
