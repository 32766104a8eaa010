"""The documents name what there is: commands, options, exit codes, settings, folders, and each other."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest
import yaml

from carryover.agents import specs
from carryover.config import Config
from carryover.errors import ExitCode
from carryover.faces.cli.main import COMMANDS
from carryover.importing.report import Report
from carryover.ledger.rows import SessionRow
from carryover.model import AnyBody
from carryover.past.chat_document import GENERIC, web_chats
from contract.table import documents, with_tables
from manual.pages import commands, program

TOP = Path(__file__).parents[2]
README = (TOP / "README.md").read_text(encoding="utf-8")
GUIDE = (TOP / "docs" / "guide.md").read_text(encoding="utf-8")
REFERENCE = (TOP / "docs" / "commands.md").read_text(encoding="utf-8")
SECURITY = (TOP / "SECURITY.md").read_text(encoding="utf-8")
ARCHITECTURE = (TOP / "ARCHITECTURE.md").read_text(encoding="utf-8")


DOCUMENTS = sorted([*TOP.glob("*.md"), *(TOP / "docs").glob("*.md"), *(TOP / "architecture").glob("*.md")])
DECISIONS = sorted((TOP / "architecture" / "decisions").glob("*.md"))
ROOMS = sorted((TOP / "architecture" / "rooms").glob("*.md"))
FORMS = sorted((TOP / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
PRESENT = [path for path in DOCUMENTS if path.name != "CHANGELOG.md"]
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
FLAG = re.compile(r"(?<!\S)\[?(--?[a-z][a-z-]*)")
MODULE = re.compile(r"`([a-z_]+(?:/[a-z_]+)+(?:\.py|\.md|/)?)`")


def is_test(named: str) -> bool:
    """Whether `tests/folder`, `tests/file.py` or `tests/file.py::function` is a test, or has one in it."""
    path, _, function = named.partition("::")
    files = (TOP / path).rglob("test_*.py") if (TOP / path).is_dir() else (TOP / path,)
    wanted = rf"{re.escape(function)}\(" if function else "test_"
    test = re.compile(rf"^ *(?:async )?def {wanted}", re.MULTILINE)
    return any(
        file.name.startswith("test_") and file.is_file() and test.search(file.read_text("utf-8")) for file in files
    )


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_each_link_leads_to_a_document_and_to_a_heading_of_it() -> None:
    linked = [
        (document, document.parent / to if to else document, anchor)
        for document in (*DOCUMENTS, *DECISIONS, *ROOMS, TOP / "packaging" / "README.md")
        for to, anchor in LINK.findall(document.read_text("utf-8"))
        if "://" not in to
    ]

    assert [(document.name, to) for document, to, _ in linked if not to.exists()] == []
    headings = {to: anchors(to.read_text("utf-8")) for _, to, anchor in linked if anchor}
    assert [(each.name, to.name, name) for each, to, name in linked if name and name not in headings[to]] == []


def test_what_a_command_says_of_itself_fits_80_columns() -> None:
    lines = ((command.name, line) for command in commands() for line in (command.parser.description or "").split("\n"))

    assert [(name, line) for name, line in lines if len(line) > 80] == []


def test_each_document_is_linked_from_the_readme_and_links_back() -> None:
    linked = {(TOP / to).resolve() for to, _ in LINK.findall(README) if to}
    others = [path for path in DOCUMENTS if path.name != "README.md"]

    assert [path.name for path in others if path not in linked] == []
    assert [path.name for path in others if "README.md)" not in path.read_text("utf-8")] == []


def test_the_readme_is_short_and_shows_how_to_begin_on_its_first_screen() -> None:
    first_screen = README.split("\n")[:40]

    assert len(README.split()) < 1_800, "what is asked most goes to docs/questions.md"
    assert {line.split("  ")[0] for line in first_screen} >= {"make run", "make test", "carryover install"}


def test_each_decision_says_what_why_by_which_measure_and_at_what_cost_on_one_page() -> None:
    headings = ["Decided", "Why", "Measured", "It costs"]
    texts = [path.read_text("utf-8") for path in DECISIONS]

    assert len(DECISIONS) >= 7
    assert [re.findall(r"^## (.*)$", text, re.MULTILINE) for text in texts] == [headings] * len(texts)
    assert max(len(text.splitlines()) for text in texts) <= 60


def test_the_architecture_leads_to_each_decision_and_room_which_leads_back_and_says_where_to_change_it() -> None:
    linked = {(TOP / to).resolve() for to, _ in LINK.findall(ARCHITECTURE) if to}
    texts = {path: path.read_text("utf-8") for path in ROOMS}

    assert ROOMS != [] and linked >= {*ROOMS, *DECISIONS}
    assert [path.name for path, text in texts.items() if "(../../ARCHITECTURE.md)" not in text] == []
    assert [path.name for path, text in texts.items() if "\n## To change it\n" not in text] == []


def test_the_architecture_is_read_in_an_hour_and_names_each_folder_of_the_source() -> None:
    folders = [path.name for path in (TOP / "src" / "carryover").iterdir() if (path / "__init__.py").is_file()]
    rooms = [path.name for path in (TOP / "src" / "carryover").glob("[a-z]*.py")]

    assert [name for name in folders if f"{name}/" not in ARCHITECTURE] == []
    assert [name for name in rooms if name not in ARCHITECTURE] == []
    assert len(ARCHITECTURE) < 18_000, "what is true of one room goes to its page in architecture/rooms"


def test_the_files_that_pages_of_rooms_and_decisions_name_are_there() -> None:
    """Paths below the package, `tests/...` and `architecture/...`; a file on a user's machine is none of them."""
    pages = [TOP / "ARCHITECTURE.md", *ROOMS, *DECISIONS]
    named = {page: [name for name in MODULE.findall(page.read_text("utf-8")) if "." in name] for page in pages}
    gone = [
        (page.name, name)
        for page, names in named.items()
        for name in names
        if not any((place / name).exists() for place in (TOP, TOP / "src" / "carryover"))
    ]

    assert sum(map(len, named.values())) > 150
    assert gone == []


def test_each_command_in_a_text_exists_with_its_options() -> None:
    """Commands in backquotes; those in blocks are run by tests/e2e/test_documents.py."""
    known = {each.name: {flag for option in each.options for flag in option.option_strings} for each in commands()}
    known["carryover"] = {flag for option in program().options for flag in option.option_strings}
    documents = (path.read_text("utf-8") for path in (*PRESENT, *DECISIONS, *ROOMS, *FORMS))
    texts = [text for document in documents for text in re.findall(r"`(carryover(?: [^`]*)?)`", document)]
    split = [re.match(r"(carryover(?: [a-z]+)?)\b", text) for text in texts]
    found = [(text, match[1], FLAG.findall(text)) for text, match in zip(texts, split, strict=True) if match]

    assert [text for text, name, _ in found if name not in known] == []
    assert [text for text, name, flags in found if set(flags) - known.get(name, set())] == []


def test_the_fields_that_scripts_may_rely_on_are_those_there_are() -> None:
    _, _, text = (TOP / "docs" / "json.md").read_text("utf-8").partition("\n## carryover show")
    shown, _, rest = text.partition("\n## carryover export")
    export, _, rest = rest.partition("\n## carryover share")
    shared, _, imported = rest.partition("\n## carryover import")
    session, _, events = shown.partition("| each of `events` |")
    bodies = {msgspec.inspect.type_info(body).tag: body for body in get_args(AnyBody)}  # type: ignore[attr-defined]

    def names(part: str) -> set[str]:
        first = re.findall(r"^\| (`[^|]*) \|", part, re.MULTILINE)
        return {name for cell in first for name in re.findall(r"`(\w+)`", cell)}

    assert names(session) - {"session"} < set(SessionRow.__struct_fields__)
    kinds = names(events) - {"at_ms", "subagent_id", "retracted", "body", "kind"}
    assert kinds < set(bodies)
    assert names(imported) - {"files"} == set(Report.__struct_fields__)
    assert {"text", "output", "tokens", "budget", "files", "left_out"} == names(export)
    assert {"output", "bytes", "recipients"} == names(shared)


def test_each_command_has_a_line_in_the_readme_and_a_section_in_the_reference() -> None:
    assert [command for command in COMMANDS if f"| `{command}` | " not in README] == []
    assert [command for command in COMMANDS if f"\n## carryover {command}\n" not in REFERENCE] == []


@pytest.mark.parametrize("form", [path for path in FORMS if path.name != "config.yml"], ids=lambda path: path.stem)
def test_each_issue_form_is_one_that_github_takes(form: Path) -> None:
    fields = yaml.safe_load(form.read_text("utf-8"))
    asked = [field for field in fields["body"] if field["type"] != "markdown"]

    assert fields["name"] and fields["description"]
    assert {field["type"] for field in fields["body"]} <= {"markdown", "textarea", "input", "checkboxes"}
    assert all(field["attributes"]["label"] for field in asked)
    assert len({field["id"] for field in asked}) == len(asked)
    assert any(field.get("validations", {}).get("required") for field in asked)
    assert "eal transcript" in form.read_text("utf-8") or form.stem == "idea"


def test_the_documents_name_what_is_covered_of_each_agent() -> None:
    lines = (TOP / "docs" / "agents.md").read_text(encoding="utf-8").splitlines()
    covered = specs()
    row_of = {
        spec.id: next((line for line in lines if line.startswith((f"| {spec.name} ", f"| {spec.name}, "))), "")
        for spec in covered
    }

    assert [agent for agent, row in row_of.items() if not row] == []
    assert [spec.id for spec in covered if spec.name not in README] == []
    assert [(spec.id, also) for spec in covered for also in spec.also if also not in row_of[spec.id]] == []


def test_each_setting_exit_code_and_budget_of_a_web_chat_is_named() -> None:
    chats, table = web_chats().values(), REFERENCE.partition("## Exit codes")[2]
    assert [chat.id for chat in chats if f"{chat.budget:,}" not in GUIDE] == []
    assert [chat.id for chat in chats if chat is not GENERIC and f"`{chat.id}` {chat.budget:,}" not in GUIDE] == []
    assert [code for code in ExitCode if f"| {code.value} | " not in table] == []

    sections = [field for field in msgspec.structs.fields(Config) if hasattr(field.type, "__struct_fields__")]
    settings = {section.name: set(section.type.__struct_fields__) for section in sections}
    settings["agents"].remove("each")  # holds the tables of the single agents, `[agents.<id>]`

    shown = GUIDE.partition("\n## Settings\n")[2]
    assert [(s, name) for s, names in settings.items() for name in names if f"{name} =" not in shown] == []
    assert [s for s in settings if f"[{s}]" not in shown] == []


def test_the_documents_have_the_tables_that_agents_and_commands_give() -> None:
    changed = [path.name for path, text in documents().items() if path.read_text("utf-8") != text]

    assert changed == [], "run `make table`"
    with pytest.raises(ValueError, match="<!-- hooks -->"):
        with_tables(GUIDE.replace("<!-- hooks -->", ""), {"hooks": "| new |\n"})


def test_each_defence_that_is_promised_names_a_test_that_is_there() -> None:
    rows = [line for line in SECURITY.splitlines() if line.startswith("| ") and " | " in line]
    table = [row for row in rows if not row.startswith(("| From |", "| What |"))]
    named = [re.findall(r"`((?:tests|lab)/[^`]+)`", row.split(" | ")[-1]) for row in table]

    assert len(table) >= 10
    assert [row for row, tests in zip(table, named, strict=True) if not tests] == []
    assert [test for tests in named for test in tests if not is_test(test)] == []
    gone = ("tests/support", "tests/conftest.py", "tests/gone", "tests/architecture/test_documents.py::test_gone")
    assert [test for test in gone if is_test(test)] == []
