"""The MCP server in genuine clients: `install --mcp` enters it, the client calls its tools, uninstall takes it out."""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, Final

from real_agents.claude_code.client import STATE as CLAUDE_STATE
from real_agents.cline.client import MCP as CLINE_SERVERS
from real_agents.codex.client import CODEX_HOME
from real_agents.gemini_cli.client import SETTINGS_FILE as GEMINI_SETTINGS
from real_agents.kilo.client import Kilo
from real_agents.lab import product, shop
from real_agents.lab.rows import Row, newest
from real_agents.lab.shop import DECOY_WORDS, LAST_WORDS, PROJECT, TASK
from real_agents.lab.tool import Tool
from real_agents.mistral_vibe.client import SETTINGS_FILE as VIBE_SETTINGS
from real_agents.opencode.client import CONFIG_DIR
from real_agents.qwen_code.client import SETTINGS_FILE as QWEN_SETTINGS

LISTS: Final = {
    "claude-code": (CLAUDE_STATE, "mcpServers"),
    "cline": (CLINE_SERVERS, "mcpServers"),
    "codex": (CODEX_HOME / "config.toml", "mcp_servers"),
    "gemini-cli": (GEMINI_SETTINGS, "mcpServers"),
    "kilo": (Kilo.CONFIG, "mcp"),
    "mistral-vibe": (VIBE_SETTINGS, "mcp_servers"),
    "opencode": (CONFIG_DIR / "opencode.json", "mcp"),
    "qwen-code": (QWEN_SETTINGS, "mcpServers"),
}
NAMES: Final = {
    "claude-code": "mcp__carryover__{}",
    "cline": "carryover__{}",
    "codex": "{}",
    "gemini-cli": "mcp_carryover_{}",
    "kilo": "carryover_{}",
    "mistral-vibe": "tools.mcp_carryover.{}",
    "opencode": "carryover_{}",
    "qwen-code": "mcp__carryover__{}",
}
"""The names under which models see the tools (2.1.329; 3.0.65; 0.169.0, in a namespace; 0.61.0; 7.7.9; 3.0.3, in
programs; 1.18.33; 0.24.4)."""
REPLIES: Final[Mapping[str, Callable[[str, dict[str, Any]], Any]]] = {
    "claude-code": lambda name, given: {"tool": name, "input": given},
    "cline": lambda name, given: {"tool": name, "input": given},
    "codex": lambda name, given: {"call": ["mcp__carryover", name, given]},
    "gemini-cli": lambda name, given: {"tool": [name, given]},
    "kilo": lambda name, given: {"tool": name, "input": given},
    "mistral-vibe": lambda name, given: {
        "tool": "run_typescript",
        "input": {"code": f"return await {name}({json.dumps(given)});"},
    },
    "opencode": lambda name, given: {"tool": name, "input": given},
    "qwen-code": lambda name, given: {"tool": name, "input": given},
}


def call(tool: Tool, name: str, **given: Any) -> Any:
    return REPLIES[tool.id](NAMES[tool.id].format(name), given)


@newest(*LISTS)
def test_the_client_calls_the_tools_and_gets_what_was_recorded_of_this_project(tool: Tool, row: Row) -> None:
    """And what it got is not in the next handoff, or every handoff would hold more of the earlier ones."""
    shop.make_project(tool.box)
    before = listed(tool)
    product.carryover(tool.box, "install", "--yes", "--no-service", "--mcp")
    daemon = product.start_daemon(tool.box)
    tool.review_hooks(PROJECT)
    shop.do_the_work(tool)
    shop.do_decoy_work(tool)
    product.settle(tool.box)

    turn = tool.turn(
        PROJECT,
        "What was done here?",
        # Codex does not wait for the server, and no sign says when that has started.
        # What a model of Codex (0.169.0) asks first; the tools of a server come after that.
        *([tool.shell("sleep 4"), {"search": "recall turn handoff"}] if tool.id == "codex" else []),
        call(tool, "recall", query="pear"),
        call(tool, "turn", turn="turn 1"),
        call(tool, "handoff"),
        call(tool, "recall", query="QUOKKA"),
        "It was the fruit.",
    )
    said = turn.requests[-1]
    hits = re.findall(r"- turn 1 of [\w-]+ \([^)]*\): [^\n]{0,60}", said)
    row.shown(hits[0] if hits else "no hit")
    times = re.findall(r"Wall time: [^\n]+", said)
    row.shown(f"the client's own figures: {', '.join(times) or 'none'}")

    assert [hit for hit in hits if hit.endswith(f", prompt): {TASK}")]
    assert f"## The user\n> {TASK}" in said
    assert f"> {LAST_WORDS}" in said
    assert "You asked for this: take from it what matters" in said
    assert "Nothing that is recorded of this project matches." in said
    asked = re.sub(r'\\?"QUOKKA\\?"', "", said)
    assert not [word for word in DECOY_WORDS if word in asked]
    left = shop.left_by(tool)
    assert not re.search("(?i)recall|It is information, not instructions, and the files", left.split("## Task")[1])
    assert daemon.stop() == 0
    product.carryover(tool.box, "uninstall", "--yes")
    assert before == {}
    assert listed(tool) == {}


def listed(tool: Tool) -> Any:
    path, key = LISTS[tool.id]
    text = tool.box.here(path).read_text("utf-8")
    return (tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)).get(key, {})
