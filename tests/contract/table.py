"""The tables in the documents, from what the agents' folders and the commands say: `make table` writes them.

`python -m contract.table` (with `tests` on the path) replaces the text between `<!-- agents -->` and
`<!-- /agents -->`, the same for the other tables, the whole of docs/commands.md, and what plugins for agents hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from carryover.adapter.spec import AGENTS_MD, LINUX, SPOOL, AgentSpec, LocalFile, McpServers, places_on
from carryover.agents import adapters
from contract.case import EVERY
from contract.command_docs import overview, reference
from contract.folder import CHECKOUT, Folder, folders
from contract.plugins import plugin_files

README: Final = CHECKOUT / "README.md"
AGENTS: Final = CHECKOUT / "docs" / "agents.md"
GUIDE: Final = CHECKOUT / "docs" / "guide.md"
COMMANDS: Final = CHECKOUT / "docs" / "commands.md"
PAGE: Final = ".carryover/more.md"
YES: Final = "✓"
UNKNOWN: Final = "unknown"
EDITOR: Final = re.compile(r"/\.config/([^/]+)/User/")


def agents_table(agents: Sequence[Folder]) -> str:
    """Returns what is read of each agent and how it gets a handoff, then what the fixtures of each show."""
    head = ("Agent", "What is read", "How the next session gets the handoff", "Real client, versions run")
    rows = [(_covered(each), _reads(each), _arrives(each), _proved(each)) for each in agents]
    marks = ("Agent", *(f"{name[0].upper()}{name[1:]}" for name in EVERY), "Exact uninstall")
    shown = "What the fixtures of each show. What none shows is unknown, and nothing is guessed in its place:"
    return f"{_table(head, rows)}\n{shown}\n\n{_table(marks, map(_marks, agents))}"


def places_table(agents: Sequence[Folder]) -> str:
    """Returns the folders in which the transcripts of each agent are looked for on Linux, and what moves them."""
    head = ("Agent", "Where, on Linux", "Moved by")
    return _table(head, [(_name(each), _where(each, each.spec), _moved_by(each.spec)) for each in agents if each.spec])


def _where(folder: Folder, spec: AgentSpec) -> str:
    """Of editors that are alike, the folder in one, and the names of the others."""
    where = ["each project that is known"] if folder.agent is not None and folder.agent.in_projects else []
    found: dict[str, list[str]] = {}
    for place in places_on(spec.transcripts, LINUX):
        path = f"~/.carryover/spool/{spec.id}" if place == SPOOL else place.path
        editor = EDITOR.search(path)
        found.setdefault(EDITOR.sub("/.config/{}/User/", path), []).append(editor[1] if editor else "")
    for form, editors in found.items():
        first, *others = dict.fromkeys(editors)
        also = f" (and in {', '.join(f'`{editor}`' for editor in others)})" if others else ""
        where.append(f"`{form.format(first)}`{also}")
    return ", ".join(where)


def _moved_by(spec: AgentSpec) -> str:
    places = places_on(spec.transcripts, LINUX)
    return ", ".join(dict.fromkeys(f"`{place.env}`" for place in places if place.env)) or "–"


def hooks_table(agents: Sequence[Folder]) -> str:
    """Returns where the hooks of each agent are written, and which there are from which version on."""
    with_hooks = [(each, each.spec) for each in agents if each.spec is not None and each.spec.hooks.sets]
    rows = [(_name(each), _files(spec), _events(spec)) for each, spec in with_hooks]
    return _table(("Agent", "Into", "Events"), rows)


def pages_table(agents: Sequence[Folder]) -> str:
    """Returns how each agent with hooks is asked to read the second page of a handoff."""
    hooked = [(each, each.spec.id) for each in agents if each.spec is not None and each.spec.hooks.injects_on]
    forms = ((each, adapters()[agent_id].hooks) for each, agent_id in hooked)
    rows = [(_name(each), form.reads_page.format(page=PAGE, quoted=PAGE)) for each, form in forms if form is not None]
    return _table(("Agent", "Its hook's answer says"), rows)


def servers_table(agents: Sequence[Folder]) -> str:
    """Returns the lists of MCP servers that `install --mcp` enters Carryover's into; one row for editors that are
    alike."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for each in agents:
        for servers in each.spec.mcp if each.spec is not None else ():
            places = ", ".join(f"`{place}`" for place in _places(servers))
            editor = EDITOR.search(places)
            form = EDITOR.sub("/.config/{}/User/", places)
            rows.setdefault((_name(each), form, servers.key), []).append(editor[1] if editor else "")
    return _table(
        ("Agent", "Into", "Key"),
        [(name, _of_editors(form, editors), f"`{key}`") for (name, form, key), editors in rows.items()],
    )


def _of_editors(form: str, editors: Sequence[str]) -> str:
    also = f"; the same in {', '.join(f'`{editor}`' for editor in editors[1:])}" if len(editors) > 1 else ""
    return form.format(editors[0]) + also


def local_files_table(agents: Sequence[Folder]) -> str:
    """Returns the files that `local` makes for one agent alone."""
    found = ((each, each.spec, each.spec.local_file) for each in agents if each.spec is not None)
    rows = [(f"`{file.name}`", _name(each), _made(spec)) for each, spec, file in found if isinstance(file, LocalFile)]
    return _table(("File", "For", "Made"), rows)


def _made(spec: AgentSpec) -> str:
    other = spec.instead_of_agents_md
    return f"where `{other}` has a text" if other is not None else f"where {AGENTS_MD} can't be"


def _places(servers: McpServers) -> Iterable[str]:
    """On Linux."""
    return dict.fromkeys(place.path for place in places_on(servers.files, LINUX))


def with_tables(text: str, tables: Mapping[str, str]) -> str:
    """Returns a document with its tables as they should be. Raises ValueError where a marker is missing."""
    for name, table in tables.items():
        text = _between(text, name, table)
    return text


def documents(agents: Sequence[Folder] | None = None) -> dict[Path, str]:
    """Returns the text that each document with a table, and each file of a plugin, should have."""
    agents = complete() if agents is None else agents
    in_agents = {"agents": agents_table(agents), "places": places_table(agents), "pages": pages_table(agents)}
    in_guide = {
        "hooks": hooks_table(agents),
        "servers": servers_table(agents),
        "local-files": local_files_table(agents),
    }
    return {
        README: with_tables(README.read_text("utf-8"), {"commands": overview()}),
        AGENTS: with_tables(AGENTS.read_text("utf-8"), in_agents),
        GUIDE: with_tables(GUIDE.read_text("utf-8"), in_guide),
        COMMANDS: reference(),
        **plugin_files(),
    }


@cache
def is_current() -> bool:
    """Whether the documents hold the tables that the folders give."""
    return all(path.exists() and path.read_text("utf-8") == text for path, text in documents().items())


def complete() -> list[Folder]:
    """Returns the folders that have all a row needs."""
    return [each for each in folders() if each.spec is not None and each.capabilities is not None]


def _between(text: str, name: str, body: str) -> str:
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(
            f"The document needs one line `{begin.strip()}` and one line `{end}`, with the table between them."
        )
    before, _, rest = text.partition(begin)
    return f"{before}{begin}{body}{end}{rest.partition(end)[2]}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    first, *others = (f"| {' | '.join(line)} |\n" for line in (head, *rows))
    return "".join((first, "|---" * len(head), "|\n", *others))


def _name(folder: Folder) -> str:
    return folder.spec.name if folder.spec is not None else folder.id


def _covered(folder: Folder) -> str:
    """The agent's name, and the programs that share its transcripts."""
    also = folder.spec.also if folder.spec is not None else ()
    return f"{_name(folder)}, also as {', '.join(also)}" if also else _name(folder)


def _reads(folder: Folder) -> str:
    assert folder.capabilities is not None
    versions = folder.fixture_versions()
    span = versions[0] if len(versions) == 1 else f"{versions[0]} to {versions[-1]}" if versions else ""
    return folder.capabilities.reads + (f" ({span})" if span else "")


def _arrives(folder: Folder) -> str:
    """By the hook that injects, or by what the agent reads of a project by itself."""
    assert folder.spec is not None
    hooks, files = folder.spec.hooks, [f"`{file.name}`" for file in folder.spec.instructions]
    ways = []
    able = [known for known in hooks.sets if set(known.events) & set(hooks.injects_on)]
    if able:
        ways.append(f"a hook ({able[0].since} and later)")
    if files:
        ways.append(f"the pointer in {' or '.join(files)}")
    return folder.capabilities.arrives if folder.capabilities and folder.capabilities.arrives else ", else ".join(ways)


def _proved(folder: Folder) -> str:
    assert folder.capabilities is not None
    return ", ".join(folder.versions) or f"none: {folder.capabilities.synthetic}"


def _marks(folder: Folder) -> list[str]:
    """What the fixtures show. Every agent is taken out exactly, or the contract suite fails."""
    assert folder.capabilities is not None and folder.spec is not None
    shows = [YES if name in folder.capabilities.shows else UNKNOWN for name in EVERY]
    return [_name(folder), *shows, YES]


def _files(spec: AgentSpec) -> str:
    first, *tables = spec.hooks.config_files
    return "".join(
        (f"`{first.path}`", *(f", or `{Path(each.path).name}` if that already holds hooks" for each in tables))
    )


def _events(spec: AgentSpec) -> str:
    """Each event once, with the first version that gets it; those that all versions get come first."""
    first: dict[str, list[str]] = {}
    seen: set[str] = set()
    for known in spec.hooks.sets:
        added = [event for event in known.events if event not in seen]
        seen.update(added)
        first.setdefault(known.since, []).extend(added)
    return "; ".join(f"{', '.join(events)} from {version} on" for version, events in first.items() if events)


def main() -> None:
    """Writes the documents and says which of them changed."""
    for path, text in documents().items():
        changed = not path.exists() or path.read_text("utf-8") != text
        path.write_text(text, "utf-8")
        print(f"{path.relative_to(CHECKOUT)}: {'new tables' if changed else 'as it was'}")


if __name__ == "__main__":
    main()
