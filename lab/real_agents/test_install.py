"""From the first command to the last: installed, two sessions, uninstalled; and nothing is left that was not there."""

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from real_agents.claude_code.client import SETTINGS as CLAUDE_SETTINGS
from real_agents.cline.client import DATA as CLINE_DATA
from real_agents.codex.client import CODEX_HOME
from real_agents.copilot.client import COPILOT_HOME
from real_agents.gemini_cli.client import OWN as GEMINI_HOME
from real_agents.gemini_cli.client import SETTINGS as GEMINI_SETTINGS
from real_agents.kilo.client import Kilo
from real_agents.lab import handoffs, product, shop
from real_agents.lab.box import HOME
from real_agents.lab.rows import Row
from real_agents.lab.shop import PROJECT, STATE, TASK
from real_agents.lab.tool import Installed, Tool, tools
from real_agents.opencode.client import CONFIG_DIR, SETTINGS
from real_agents.pi.client import FOLDER as PI_FOLDER
from real_agents.qwen_code.client import SETTINGS as QWEN_SETTINGS
from real_agents.qwen_code.client import SETTINGS_FILE as QWEN_SETTINGS_FILE

Tree = dict[str, tuple[int, bytes]]

LOG: Final = HOME / "own-hook.log"
RULES: Final = {PROJECT / "AGENTS.md": "# Rules\r\nBe brief.", PROJECT / ".gitignore": "*.log\n\nbuild"}
CONFIG: Final = CODEX_HOME / "config.toml"
NOTES: Final = re.compile(r"^\[(tui|hooks\.state)\b.*", re.M | re.S)
"""What Codex adds to its user's settings, at their end: which hooks were reviewed, and what it has shown already."""


class Own(NamedTuple):
    files: dict[Path, str]
    tables: str = ""


CODEXS: Final = (
    '{\n\t"description": "mine",  "hooks" :{"SessionStart": [ {"hooks": [{"type":"command",\n'
    f'\t\t"command": "echo started >>{LOG}"}}] }} ],\n'
    f'\t"Stop": [{{"hooks": [{{"type": "command", "command": "echo stopped >>{LOG}"}}]}}]}}\n}}'
)
"""Hooks of the user's own, in a form that no program would write; without a newline at its end."""
CLAUDES: Final = (
    CODEXS.replace('"description": "mine"', '"model": "sonnet"').replace('"Stop"', '"Notification":[], "Stop"')[:-2]
    + ',\n\n\t"env": {"CAF\\u00c9": "é"} }'
)
CODEX_TABLES: Final = f"""
[[hooks.SessionStart]]  # mine
matcher = 'startup|resume'
[[hooks.SessionStart.hooks]]
type = "command"
command = 'echo started >>{LOG}'
"""
COPILOTS: Final = f'{{"version":1,"hooks":{{"sessionStart":[{{"command":"echo started >>{LOG}"}}]}} }}'
IN_OUR_FILE: Final = f'{{ "hooks": {{"agentStop": [ {{"type": "command", "command": "echo stop >>{LOG}"}}]}}}}'
GEMINIS: Final = (
    "{\n\t// how I sign in\n"
    + json.dumps(GEMINI_SETTINGS, indent=1)[2:-2]
    + ',\n  /* mine */ "hooks": {"SessionStart": [ {"matcher": "startup", "hooks": ['
    + json.dumps({"type": "command", "name": "mine", "command": f"echo started >>{LOG}"})
    + "]} // keep\n ]}\n}"
)
QWENS: Final = (
    "{\n\t// how I sign in\n"
    + json.dumps(QWEN_SETTINGS, indent=1)[2:-2]
    + ',\n  /* mine */ "hooks": {"SessionStart": [ {"matcher": "startup", "hooks": ['
    + json.dumps({"type": "command", "name": "mine", "command": f"echo started >>{LOG}"})
    + "]} // keep\n ]}\n}"
)
OPENCODES: Final = (
    '{\n  // mine\n  "instructions": [\n    "docs/*.md", // kept\n  ],\n'
    + json.dumps(SETTINGS, indent=2).removeprefix("{\n").removesuffix("\n}")
    + ", // last\n}\n"
)
PIS: Final = "export default function (pi) {\n\tpi.on('session_start', () => {})\n}"
CLINES: Final = "export default { name: 'mine', manifest: { capabilities: ['rules'] }, setup(api) {\n\t} }"
HOOKS: Final = COPILOT_HOME / "hooks"

ROWS: Final = {
    ("claude-code", "nothing"): Own({}),
    ("claude-code", "settings and rules"): Own({CLAUDE_SETTINGS: CLAUDES, PROJECT / "CLAUDE.md": "See it\n", **RULES}),
    ("cline", "nothing"): Own({}),
    ("cline", "a plugin and rules"): Own({CLINE_DATA.parent / "plugins" / "mine.js": CLINES, **RULES}),
    ("codex", "nothing"): Own({}),
    ("codex", "hooks and rules"): Own({CODEX_HOME / "hooks.json": CODEXS, **RULES}),
    ("codex", "hooks in config.toml"): Own({}, CODEX_TABLES),
    ("copilot", "nothing"): Own({}),
    ("copilot", "hooks and rules"): Own(
        {HOOKS / "mine.json": COPILOTS, HOOKS / "carryover.json": IN_OUR_FILE, **RULES}
    ),
    ("gemini-cli", "rules"): Own({PROJECT / "GEMINI.md": "# Rules\r\nBe brief."}),
    ("gemini-cli", "comments and a hook"): Own({GEMINI_HOME / "settings.json": GEMINIS}),
    ("gptme", "rules"): Own(RULES),
    ("kilo", "nothing"): Own({}),
    ("kilo", "comments and instructions"): Own({Kilo.CONFIG: OPENCODES}),
    ("mistral-vibe", "rules"): Own(RULES),
    ("opencode", "nothing"): Own({}),
    ("opencode", "comments and instructions"): Own({CONFIG_DIR / "opencode.jsonc": OPENCODES}),
    ("pi", "nothing"): Own({}),
    ("pi", "an extension and rules"): Own({PI_FOLDER / "extensions" / "mine.js": PIS, **RULES}),
    ("qwen-code", "nothing"): Own({}),
    ("qwen-code", "rules, comments and a hook"): Own({QWEN_SETTINGS_FILE: QWENS, **RULES}),
}
TOUCHED: Final = {
    "claude-code": ".claude/settings.json",
    "cline": ".cline/plugins/carryover.js",
    "codex": "",
    "copilot": ".copilot/hooks/carryover.json",
    "gemini-cli": ".gemini/settings.json",
    "gptme": "work/shop/AGENTS.md",
    "kilo": ".config/kilo/kilo.jsonc",
    "mistral-vibe": "",
    "opencode": ".config/opencode/opencode.json",
    "pi": ".pi/agent/extensions/carryover.js",
    "qwen-code": ".qwen/settings.json",
}
"""What must differ while Carryover is installed; of Codex it depends on where the user's hooks are, Mistral Vibe
has no settings of ours."""
OF_GIT: Final = tuple(
    f"work/shop/.git/{name}"
    for name in ("objects", "logs", "index", "refs/heads/main", "refs/kilo", "refs/cline", "opencode", "kilo")
)
"""What git names by the time of a commit; opencode and Kilo keep the first one's id there, Kilo and Cline
their snapshots too."""
CLIENTS_OWN: Final = (".cache", ".npm", ".bun", ".local", ".config/git", ".claude.json", "own-hook.log")
USERS: Final[dict[str, Callable[[str], bool]]] = {
    ".claude/": lambda name: "settings" in name,
    ".cline/": lambda name: name.startswith((".cline/plugins", ".cline/rules")) or name.endswith("mcp_settings.json"),
    ".codex/": lambda name: name.startswith((".codex/hooks", ".codex/AGENTS")),
    ".copilot/": lambda name: name.startswith((".copilot/hooks", ".copilot/settings")) and not name.endswith(".lock"),
    ".gemini/": lambda name: name in (".gemini/settings.json", ".gemini/GEMINI.md", ".gemini/trustedFolders.json"),
    ".config/kilo/": lambda name: name.endswith((".json", ".jsonc")) and "node_modules" not in name,
    ".config/opencode/": lambda name: name.endswith((".json", ".jsonc")) and "node_modules" not in name,
    ".pi/": lambda name: name.startswith((".pi/agent/extensions", ".pi/agent/mcp.json", ".pi/agent/AGENTS")),
    ".qwen/": lambda name: name == ".qwen/settings.json",
    ".vibe/": lambda name: name in (".vibe/config.toml", ".vibe/AGENTS.md"),
}
"""Of a client's own folder only what users write is compared."""


@pytest.mark.parametrize(
    ("client", "own"),
    [((agent_id, tools()[agent_id].versions()[0]), own) for (agent_id, _), own in ROWS.items()],
    ids=[" ".join(row) for row in ROWS],
    indirect=["client"],
)
def test_install_two_sessions_and_a_purge_leave_every_byte_as_without_carryover(
    client: tuple[type[Tool], Installed], row: Row, own: Own
) -> None:
    with shop.alone(*client) as control:
        prepare(control, own)
        if "echo started" in "".join((*own.files.values(), own.tables)) and control.id == "codex":
            control.review_hooks(PROJECT)
        elif control.id == "codex":
            with control.terminal(PROJECT):
                pass
        shop.do_the_work(control)
        assert shop.first_told(control) == []
        expected, expected_settings = home(control), users_settings(control)
        kept = {path: text for path, text in own.files.items() if control.box.here(path).read_bytes() == text.encode()}

    with shop.alone(*client) as tool:
        prepare(tool, own)
        shop.install(tool)
        daemon = product.start_daemon(tool.box)
        tool.review_hooks(PROJECT)
        shop.do_the_work(tool)
        left = shop.left_by(tool)
        found = arrived(tool)
        product.settle(tool.box)
        touched = differing(home(tool), expected)
        assert daemon.stop() == 0
        said = product.carryover(tool.box, "uninstall", "--purge", "--yes")
        after = home(tool)

        row.shown(f"differed while installed: {', '.join(path for path in touched if '.carryover/' not in path)}")
        row.shown(f"after the purge, of {len(after)} compared: {', '.join(differing(after, expected)) or 'nothing'}")
        row.shown(said.splitlines()[-1])
        assert [handoffs.sections(text)["Task"] for text in found] == [handoffs.sections(left)["Task"]]
        assert TASK in handoffs.sections(left)["Task"][0]
        assert {"work/shop/.carryover", ".carryover"} <= {*touched}
        assert "work/shop/AGENTS.md" in touched
        assert any(path.startswith(TOUCHED[tool.id]) for path in touched)
        assert differing(after, expected) == []
        assert users_settings(tool) == expected_settings
        assert not tool.box.here(STATE).exists()
        assert all(tool.box.here(path).read_bytes() == text.encode() for path, text in kept.items())


def prepare(tool: Tool, own: Own) -> None:
    rules = {path.name: text for path, text in own.files.items() if path.parent == PROJECT}
    shop.make_project(tool.box, files={**shop.FILES, **rules})
    if CONFIG_DIR / "opencode.jsonc" in own.files:
        tool.box.here(CONFIG_DIR / "opencode.json").unlink()
    for path, text in own.files.items():
        tool.box.write(path, text)
    if own.tables:
        tool.box.write(CONFIG, tool.box.here(CONFIG).read_text("utf-8") + own.tables)


def arrived(tool: Tool) -> list[str]:
    """The handoffs that a new session gets: by a hook or, if it has only the pointer, because its model reads it."""
    if tool.ARRIVES != "pointer":
        return shop.first_told(tool)
    requests = tool.turn(PROJECT, "Hello", tool.read(handoffs.path_in(PROJECT)), "OK.").requests
    return handoffs.injected(tool.without_line_prefixes(requests[1]))


def home(tool: Tool) -> Tree:
    """The home but for what differs between any two runs."""
    top = tool.box.here(HOME)
    paths = {str(path.relative_to(top)): path for path in top.rglob("*")}
    try:
        return {
            name: (stat.S_IMODE(path.lstat().st_mode), path.read_bytes() if path.is_file() else b"")
            for name, path in paths.items()
            if not name.startswith((*OF_GIT, *CLIENTS_OWN)) and "__pycache__" not in name
            if all(taken(name) for folder, taken in USERS.items() if name.startswith(folder))
        }
    except FileNotFoundError:  # a second page was being put in its place
        return home(tool)


def differing(one: Tree, other: Tree) -> list[str]:
    return sorted(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


def users_settings(tool: Tool) -> str:
    return NOTES.sub("", tool.box.here(CONFIG).read_text("utf-8")).strip() if tool.id == "codex" else ""
