"""AGENTS.md and CLAUDE.md lead to the handoff, and neither hides the other from an agent."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.config import ProjectSettings
from carryover.outside.in_project import Pass
from carryover.publish.pointers import (
    NEW_FILE,
    BlockState,
    block_end,
    block_state,
    hidden_files,
    imports_agents_md,
    is_only_ours,
    says_nothing,
    with_block,
    without_block,
)
from carryover.publish.project_files import place
from support.passes import begun
from support.settings_texts import TEXTS

BLOCK = """\
<!--CARRYOVER:START-->
# Carryover handoff
If `.carryover/handoff.md` exists in this project, read it before starting
work — it contains a bounded handoff from the previous session.
If your file tool refuses it as ignored, use `cat .carryover/handoff.md`.
If that file does not exist, no recent session was captured.
<!--CARRYOVER:END-->
""".encode()
AS_PRETTIER_LEAVES_IT = BLOCK.replace(b"-->\n", b"-->\n\n", 1).replace(b"handoff\nIf", b"handoff\n\nIf")
BROKEN_AT_WORDS = BLOCK.replace(b" ", b"\n").replace(b"#\n", b"# ")
EDITED = BLOCK.replace(b"bounded", b"short")
TEXT = BLOCK.decode()
BOM = b"\xef\xbb\xbf"


def test_the_text_of_the_block_never_changes() -> None:
    """If it did, every project in the field would get a change to commit."""
    assert NEW_FILE == BLOCK


@pytest.mark.parametrize("block", [AS_PRETTIER_LEAVES_IT, BROKEN_AT_WORDS])
def test_what_formatters_make_of_the_block_is_ours(block: bytes) -> None:
    """If it were not, it would count as edited, and stay behind."""
    assert with_block(b"Be brief.\n\n" + block, at_top=False) == b"Be brief.\n\n" + block
    assert without_block(b"Be brief.\n\n" + block) == b"Be brief.\n"
    assert block_end(block) == len(block.rstrip())
    assert is_only_ours(block, NEW_FILE)
    assert is_only_ours(block.replace(b"\n", b"\r\n"), NEW_FILE)
    head = b"---\nglobs: all\n---\n"
    assert is_only_ours(head + b"\n" + block, head + NEW_FILE)
    assert not is_only_ours(head + b"Mine\n" + block, head + NEW_FILE)


@pytest.mark.parametrize("data", [b"\n", b"\n" + BLOCK, BLOCK.rstrip(), BLOCK + b"mine\n", EDITED])
def test_a_file_that_is_not_as_we_made_it(data: bytes) -> None:
    assert not is_only_ours(data, NEW_FILE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"# Rules\n\nBe brief.\n", b"# Rules\n\nBe brief.\n\n" + BLOCK),
        (b"Be brief.", b"Be brief.\n" + BLOCK),
        (BOM + b"Be\r\nbrief.\r\n", BOM + b"Be\r\nbrief.\r\n\r\n" + BLOCK.replace(b"\n", b"\r\n")),
        (b"\xe9 is not UTF-8\n", b"\xe9 is not UTF-8\n\n" + BLOCK),
        (b"```\n" + BLOCK + b"```\n", b"```\n" + BLOCK + b"```\n\n" + BLOCK),
        (b"- ```md\n" + BLOCK + b"  ```\n", b"- ```md\n" + BLOCK + b"  ```\n\n" + BLOCK),
        (b"never closed\n```\n", b"never closed\n```\n\n" + BLOCK),
        (b"see `<!--CARRYOVER:START-->`\n", b"see `<!--CARRYOVER:START-->`\n\n" + BLOCK),
        (b"    <!--CARRYOVER:START-->\n", b"    <!--CARRYOVER:START-->\n\n" + BLOCK),
        (b"", b"\n" + BLOCK),
    ],
)
def test_the_block_at_the_end(before: bytes, after: bytes) -> None:
    assert with_block(before, at_top=False) == after
    assert without_block(after) == before


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "absent"),
        (b"```\n" + BLOCK + b"```\n", "absent"),
        (BLOCK, "intact"),
        (BLOCK.replace(b"\n", b"\r\n"), "intact"),
        (b"before\n\n" + BLOCK + b"\nafter\n", "intact"),
        (BOM + BLOCK, "intact"),
        (BLOCK.rstrip(), "intact"),
        (BLOCK + BLOCK, "intact"),
        (EDITED, "edited"),
        (BLOCK.replace(b"<!--CARRYOVER:END-->\n", b""), "broken"),
        (BLOCK.replace(b"<!--CARRYOVER:START-->\n", b""), "broken"),
        (b"<!--CARRYOVER:START-->\n" + EDITED, "broken"),
    ],
)
def test_what_is_there_already_and_is_not_ours_to_repair(data: bytes, expected: BlockState) -> None:
    assert block_state(data) == expected
    if expected in ("edited", "broken"):
        assert with_block(data, at_top=False) == data == without_block(data)


@pytest.mark.parametrize("before", [b"", b"Be brief.\n\n", BOM + b"Be brief.\n", b"```\n" + BLOCK + b"```\n"])
def test_the_block_ends_with_its_last_line_and_nowhere_if_there_is_none(before: bytes) -> None:
    for after in (b"", b"\nmore\n", b"\n" + BLOCK):
        assert block_end(before + BLOCK + after) == len(before + BLOCK.rstrip())
    assert block_end(before) == 0


@pytest.mark.parametrize(
    ("text", "imports"),
    [
        ("@AGENTS.md", True),
        ("Rules are in @AGENTS.md and here.\n", True),
        ("- @./AGENTS.md\r\n", True),
        ("See AGENTS.md", False),
        ("me@AGENTS.md", False),
        ("@AGENTS.mdx", False),
        ("@../AGENTS.md", False),
        ("`@AGENTS.md`", False),
        ("```\n@AGENTS.md\n```\n", False),
        ("<!-- @AGENTS.md -->", False),
        ("<!--\n@AGENTS.md\n-->\n", False),
    ],
)
def test_an_import_of_agents_md_outside_code_and_comments(text: str, imports: bool) -> None:
    assert imports_agents_md(text.encode()) is imports


@pytest.mark.parametrize(
    ("data", "nothing"),
    [
        (b"", True),
        (BOM + b" \r\n\t\n", True),
        (b"<!-- to do -->\n\n<!--\nlater <!--\n-->\n", True),
        (b"\n" + BLOCK, True),
        (b"# Rules\n" + BLOCK, False),
        (EDITED, False),
        (b"```\nmake test\n```\n", False),
        (b"```\n<!-- an example -->\n```\n", False),
        (b"<!-- closed --> <!-- never closed", False),
        (b"<!--" * 60_000, False),
    ],
)
def test_a_file_that_says_nothing_of_its_own(data: bytes, nothing: bool) -> None:
    assert says_nothing(data) is nothing


@given(data=TEXTS, at_top=st.booleans())
def test_for_every_text_the_block_comes_once_and_goes_without_a_trace(data: bytes, at_top: bool) -> None:
    once = with_block(data, at_top=at_top)

    assert with_block(once, at_top=not at_top) == once
    assert without_block(once) == without_block(data)
    if block_state(data) == "absent":
        assert without_block(once) == data
        assert once.startswith(data) or once.endswith(data.removeprefix(BOM))
        assert block_state(once) == ("absent" if b"\0" in data else "intact")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "app" / ".carryover").mkdir(parents=True)
    return tmp_path / "app"


def put(root: Path) -> Pass:
    edits = begun(root)
    place(edits, ProjectSettings(pointers="shared"))
    return edits


def remove(root: Path) -> Pass:
    edits = begun(root)
    place(edits, ProjectSettings(pointers="off"))
    return edits


def contents(root: Path) -> dict[str, str]:
    return {path.name: path.read_bytes().decode() for path in sorted(root.iterdir()) if path.is_file()}


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        (root / f"{name}.md").write_bytes(text.encode())


BRIEF = f"Be brief.\n\n{TEXT}"


@pytest.mark.parametrize(
    ("agents", "claude", "agents_after", "claude_after"),
    [
        # Says nothing, or imports AGENTS.md.
        *(("Be brief.\n", text, BRIEF, text) for text in ("", "\ufeff \r\n\n", "<!-- later -->\n", TEXT)),
        *(("Be brief.\n", text, BRIEF, text) for text in ("@AGENTS.md\n", "Be Claude. @AGENTS.md")),
        ("", "Be Claude.\n", f"\n{TEXT}", f"Be Claude.\n\n{TEXT}"),
        ("Be brief.", "Be Claude.", f"Be brief.\n{TEXT}", f"Be Claude.\n{TEXT}"),
        ("Be brief.\n", "Not `@AGENTS.md`\n", BRIEF, f"Not `@AGENTS.md`\n\n{TEXT}"),
        ("Be brief.\n", "```\nmake\n```\n", BRIEF, f"```\nmake\n```\n\n{TEXT}"),
        ("a\r\nb\r\n", "\ufeffc", "a\r\nb\r\n\r\n" + TEXT.replace("\n", "\r\n"), f"\ufeffc\n{TEXT}"),
        (TEXT, f"mine\n\n{TEXT}", TEXT, f"mine\n\n{TEXT}"),
        (f"{TEXT}\nmoved up\n", f"{TEXT}\nmine\n", f"{TEXT}\nmoved up\n", f"{TEXT}\nmine\n"),
    ],
)
def test_the_pointer_comes_once_after_what_each_file_says(
    root: Path, agents: str, claude: str, agents_after: str, claude_after: str
) -> None:
    write(root, AGENTS=agents, CLAUDE=claude)

    edits = put(root)

    assert (contents(root), edits.notes) == ({"AGENTS.md": agents_after, "CLAUDE.md": claude_after}, [])
    assert put(root).done == []


@pytest.mark.parametrize("agents", [None, "", "a", "a\n", "\ufeffa\r\nb", "```\n" + TEXT + "```\n"])
@pytest.mark.parametrize("claude", [None, "", "c", "\r\n", "@AGENTS.md", "c\n"])
def test_taking_the_pointers_out_gives_both_files_as_they_were(
    root: Path, agents: str | None, claude: str | None
) -> None:
    write(root, **{name: text for name, text in (("AGENTS", agents), ("CLAUDE", claude)) if text is not None})
    before = contents(root)
    put(root)
    assert contents(root) != before

    remove(root)

    assert contents(root) == before
    assert list((root / ".carryover").iterdir()) == []


@pytest.mark.parametrize(
    ("since", "after"),
    [
        ("", ""),
        (TEXT, ""),
        (f"\n\n{TEXT}", "\n"),
        *((f"{said}\n\n{TEXT}", f"{said}\n") for said in ("<!-- later -->", "@AGENTS.md")),
    ],
)
def test_a_claude_file_that_has_since_lost_its_text_or_got_the_import_loses_our_block(
    root: Path, since: str, after: str
) -> None:
    write(root, CLAUDE="Be Claude.\n")
    put(root)
    write(root, CLAUDE=since)

    assert put(root).notes == []
    assert contents(root) == {"AGENTS.md": TEXT, "CLAUDE.md": after}
    assert put(root).done == []
    remove(root)
    assert contents(root) == {"CLAUDE.md": after}


def test_blocks_that_came_with_the_repository_are_not_taken_out(root: Path) -> None:
    theirs = {"AGENTS": TEXT, "CLAUDE": f"Be Claude.\n\n{TEXT}"}
    write(root, **theirs)
    put(root)

    assert remove(root).done == []
    assert contents(root) == {f"{name}.md": text for name, text in theirs.items()}


def test_a_block_that_the_user_took_out_is_no_longer_ours(root: Path) -> None:
    write(root, AGENTS="Be brief.\n")
    assert put(root).listed == {"AGENTS.md"}
    write(root, AGENTS="Be brief.\n")

    assert remove(root).listed == set()
    write(root, AGENTS=BRIEF)
    remove(root)
    assert contents(root) == {"AGENTS.md": BRIEF}


FITS = "x" * (32_768 - len(BLOCK) - 2) + "\n"
LONG = "x" * 32_768 + "\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [(FITS, f"{FITS}\n{TEXT}"), (f"y{FITS}", f"{TEXT}\ny{FITS}"), (f"{LONG}\n{TEXT}", f"{TEXT}\n{LONG}")],
    ids=["it fits", "it does not", "it did before the file grew"],
)
def test_in_a_long_agents_file_the_block_goes_to_the_top(root: Path, before: str, after: str) -> None:
    write(root, AGENTS=before, CLAUDE=f"{LONG}\n{TEXT}")

    assert put(root).done == ["AGENTS.md"]
    assert contents(root) == {"AGENTS.md": after, "CLAUDE.md": f"{LONG}\n{TEXT}"}
    assert put(root).done == []


@pytest.mark.parametrize(("link", "file"), [("CLAUDE.md", "AGENTS.md"), ("AGENTS.md", "CLAUDE.md")])
def test_where_one_file_is_a_link_to_the_other_the_block_is_written_once(root: Path, link: str, file: str) -> None:
    (root / file).write_text("Be brief.\n")
    (root / link).symlink_to(file)

    for act, text in ((put, BRIEF), (put, BRIEF), (remove, "Be brief.\n")):
        act(root)
        assert ((root / file).read_text(), (root / link).readlink()) == (text, Path(file))
    (root / link).unlink()
    (root / link).write_text("Not yet a link.\n")
    put(root)
    (root / link).unlink()
    (root / link).symlink_to(file)
    assert (remove(root).notes, (root / file).read_text()) == ([], "Be brief.\n")


def test_a_link_stays_when_all_that_is_left_behind_it_is_ours(root: Path) -> None:
    write(root, CLAUDE="Be brief.\n")
    (root / "AGENTS.md").symlink_to("CLAUDE.md")
    put(root)
    write(root, CLAUDE=TEXT)

    remove(root)

    assert ((root / "AGENTS.md").readlink(), contents(root)["CLAUDE.md"]) == (Path("CLAUDE.md"), "")


@pytest.mark.parametrize("target", ["../outside.md", ".git/hooks/run.md", "src/main.py", "missing.md", "."])
def test_a_link_that_leads_anywhere_else_is_left_alone(root: Path, target: str) -> None:
    files = [root.parent / "outside.md", root / ".git" / "hooks" / "run.md", root / "src" / "main.py"]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("theirs\n")
    (root / "AGENTS.md").symlink_to(target)

    edits = put(root)

    assert [file.read_text() for file in files] == ["theirs\n"] * 3
    assert ((root / "AGENTS.md").readlink(), edits.done) == (Path(target), [])
    assert [note.partition(":")[0] for note in edits.notes] == ["AGENTS.md was left alone"]


def test_a_link_into_another_repository_gets_no_block_and_loses_one_that_it_has(root: Path) -> None:
    """As into a submodule, in which git would show the change as well."""
    sub = root / "libs" / "sub"
    sub.mkdir(parents=True)
    file = sub / "AGENTS.md"
    file.write_text("Be brief.\n")
    (root / "AGENTS.md").symlink_to(file.relative_to(root))
    put(root)  # as an earlier version did there
    assert file.read_text() == BRIEF
    (sub / ".git").write_text("gitdir: ../../.git/modules/sub\n")

    assert (put(root).notes, file.read_text()) == ([], BRIEF)
    assert (remove(root).notes, file.read_text()) == ([], "Be brief.\n")
    edits = put(root)
    assert edits.notes == ["AGENTS.md was left alone: it is a symlink into another repository"]
    assert file.read_text() == "Be brief.\n"


def test_of_links_that_lead_to_each_other_it_is_said_that_they_do(root: Path) -> None:
    (root / "AGENTS.md").symlink_to("CLAUDE.md")
    (root / "CLAUDE.md").symlink_to("AGENTS.md")

    why = "was left alone: it is a symlink that leads back to itself"
    assert put(root).notes == [f"AGENTS.md {why}", f"CLAUDE.md {why}"]


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (b"a\n", 0o444, "it is read-only"),
        ("a\n".encode("utf-16"), 0o644, "it is not plain text"),
        (b"a" * 300_000, 0o644, "larger than 262,144 bytes"),
        (EDITED, 0o644, "its Carryover block has text that is not Carryover's"),
        (b"a\n" + BLOCK.replace(b"<!--CARRYOVER:END-->\n", b""), 0o644, "one of the Carryover markers is missing"),
    ],
)
def test_a_file_that_should_not_be_edited_is_left_alone_and_the_rest_continues(
    root: Path, content: bytes, mode: int, reason: str
) -> None:
    file = root / "CLAUDE.md"
    file.write_bytes(content)
    file.chmod(mode)

    edits = put(root)

    assert file.read_bytes() == content
    assert (edits.done, edits.notes) == (["AGENTS.md"], [f"CLAUDE.md was left alone: {reason}"])


def test_an_override_hides_the_pointer_from_the_agents_that_read_it_instead(root: Path) -> None:
    (root / "AGENTS.override.md").write_text("mine\n")

    hidden = {(file.name, file.by, file.agent) for file in hidden_files(root)}
    assert hidden == {("AGENTS.md", "AGENTS.override.md", "codex"), ("AGENTS.md", "AGENTS.override.md", "pi")}
    assert put(root).notes == []


def test_a_file_of_many_blocks_is_read_once() -> None:
    """As a repository may have one: each block found or taken out cost another reading of all of it, for minutes."""
    data = (NEW_FILE * 700)[: 256 << 10]

    assert block_state(data) == "intact"
    assert without_block(b"Use decimals.\n" + b"\n" + NEW_FILE * 600) == b"Use decimals.\n"
