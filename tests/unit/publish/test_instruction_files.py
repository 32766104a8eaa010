"""AGENTS.md and CLAUDE.md lead to the handoff, and neither hides the other from an agent."""

from __future__ import annotations

from pathlib import Path

import pytest

from carryover.edits.apply import ProjectEdits
from carryover.publish.pointers import NEW_FILE, place_pointers
from carryover.publish.project_files import take_out

LIMIT_BYTES = 32_768
BLOCK = NEW_FILE.decode()
EDITED = BLOCK.replace("bounded", "short")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "app" / ".carryover").mkdir(parents=True)
    return tmp_path / "app"


def place(root: Path) -> ProjectEdits:
    edits = ProjectEdits(root / ".carryover")
    place_pointers(root, edits)
    return edits


def remove(root: Path) -> ProjectEdits:
    edits = ProjectEdits(root / ".carryover")
    take_out(root, edits)
    return edits


def contents(root: Path) -> dict[str, str]:
    return {path.name: path.read_bytes().decode() for path in sorted(root.iterdir()) if path.is_file()}


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        (root / f"{name}.md").write_bytes(text.encode())


@pytest.mark.parametrize(
    "claude", ["", "\ufeff \r\n\n", "<!-- later -->\n", BLOCK, "@AGENTS.md\n", "Be Claude. @AGENTS.md"]
)
def test_a_claude_file_that_says_nothing_or_imports_agents_md_stays_as_it_is(root: Path, claude: str) -> None:
    write(root, AGENTS="Be brief.\n", CLAUDE=claude)

    assert place(root).notes == []
    assert contents(root) == {"AGENTS.md": f"Be brief.\n\n{BLOCK}", "CLAUDE.md": claude}


@pytest.mark.parametrize(
    ("agents", "claude", "agents_after", "claude_after"),
    [
        ("", "Be Claude.\n", f"\n{BLOCK}", f"Be Claude.\n\n{BLOCK}"),
        ("Be brief.", "Be Claude.", f"Be brief.\n{BLOCK}", f"Be Claude.\n{BLOCK}"),
        ("Be brief.\n", "Not `@AGENTS.md`\n", f"Be brief.\n\n{BLOCK}", f"Not `@AGENTS.md`\n\n{BLOCK}"),
        ("Be brief.\n", "```\nmake\n```\n", f"Be brief.\n\n{BLOCK}", f"```\nmake\n```\n\n{BLOCK}"),
        ("a\r\nb\r\n", "\ufeffc", "a\r\nb\r\n\r\n" + BLOCK.replace("\n", "\r\n"), f"\ufeffc\n{BLOCK}"),
        (BLOCK, f"mine\n\n{BLOCK}", BLOCK, f"mine\n\n{BLOCK}"),
        (f"{BLOCK}\nmoved up\n", f"{BLOCK}\nmine\n", f"{BLOCK}\nmoved up\n", f"{BLOCK}\nmine\n"),
    ],
)
def test_the_pointer_comes_once_after_what_each_file_says(
    root: Path, agents: str, claude: str, agents_after: str, claude_after: str
) -> None:
    write(root, AGENTS=agents, CLAUDE=claude)

    edits = place(root)

    assert (contents(root), edits.notes) == ({"AGENTS.md": agents_after, "CLAUDE.md": claude_after}, [])
    times = [(root / name).stat().st_mtime_ns for name in ("AGENTS.md", "CLAUDE.md")]
    assert place(root).done == []
    assert [(root / name).stat().st_mtime_ns for name in ("AGENTS.md", "CLAUDE.md")] == times


@pytest.mark.parametrize("agents", [None, "", "a", "a\n", "\ufeffa\r\nb", "```\n" + BLOCK + "```\n"])
@pytest.mark.parametrize("claude", [None, "", "c", "\r\n", "@AGENTS.md", "c\n"])
def test_taking_the_pointers_out_gives_both_files_as_they_were(
    root: Path, agents: str | None, claude: str | None
) -> None:
    write(root, **{name: text for name, text in (("AGENTS", agents), ("CLAUDE", claude)) if text is not None})
    before = contents(root)
    place(root)
    assert contents(root) != before

    remove(root)

    assert contents(root) == before
    assert list((root / ".carryover").iterdir()) == []


@pytest.mark.parametrize(
    ("since", "after"),
    [
        (BLOCK, ""),
        (f"\n\n{BLOCK}", "\n"),
        (f"<!-- later -->\n\n{BLOCK}", "<!-- later -->\n"),
        (f"@AGENTS.md\n\n{BLOCK}", "@AGENTS.md\n"),
        ("", ""),
    ],
)
def test_a_claude_file_that_has_since_lost_its_text_or_got_the_import_loses_our_block(
    root: Path, since: str, after: str
) -> None:
    write(root, CLAUDE="Be Claude.\n")
    place(root)
    write(root, CLAUDE=since)

    assert place(root).notes == []
    assert contents(root) == {"AGENTS.md": BLOCK, "CLAUDE.md": after}
    assert place(root).done == []

    remove(root)
    assert contents(root) == {"CLAUDE.md": after}


def test_blocks_that_came_with_the_repository_are_not_taken_out(root: Path) -> None:
    theirs = {"AGENTS": BLOCK, "CLAUDE": f"Be Claude.\n\n{BLOCK}"}
    write(root, **theirs)
    place(root)

    assert remove(root).done == []
    assert contents(root) == {f"{name}.md": text for name, text in theirs.items()}


def test_a_block_edited_by_hand_or_torn_is_reported_and_left(root: Path) -> None:
    torn = BLOCK.replace("<!--CARRYOVER:END-->\n", "")
    write(root, AGENTS=EDITED, CLAUDE=f"mine\n{torn}")

    edits = place(root)

    assert contents(root) == {"AGENTS.md": EDITED, "CLAUDE.md": f"mine\n{torn}"}
    assert edits.notes == [
        "AGENTS.md was left alone: its Carryover block was edited by hand",
        "CLAUDE.md was left alone: one of the Carryover markers is missing",
    ]


def test_in_a_long_agents_file_the_block_goes_to_the_top(root: Path) -> None:
    fits = "x" * (LIMIT_BYTES - len(BLOCK.encode()) - 2) + "\n"
    write(root, AGENTS=fits, CLAUDE="@AGENTS.md")
    place(root)
    assert (root / "AGENTS.md").read_text() == f"{fits}\n{BLOCK}"
    assert (root / "AGENTS.md").stat().st_size == 32_768

    write(root, AGENTS=f"y{fits}")
    place(root)
    assert (root / "AGENTS.md").read_text() == f"{BLOCK}\ny{fits}"


def test_a_block_that_a_growing_file_pushed_beyond_the_limit_moves_to_the_top(root: Path) -> None:
    long = "x" * LIMIT_BYTES + "\n"
    write(root, AGENTS=f"{long}\n{BLOCK}", CLAUDE=f"{long}\n{BLOCK}")

    assert place(root).done == ["AGENTS.md"]
    assert contents(root) == {"AGENTS.md": f"{BLOCK}\n{long}", "CLAUDE.md": f"{long}\n{BLOCK}"}
    assert place(root).done == []


@pytest.mark.parametrize(("link", "file"), [("CLAUDE.md", "AGENTS.md"), ("AGENTS.md", "CLAUDE.md")])
def test_where_one_file_is_a_link_to_the_other_the_block_is_written_once(root: Path, link: str, file: str) -> None:
    (root / file).write_text("Be brief.\n")
    (root / link).symlink_to(file)

    place(root)
    place(root)

    assert (root / file).read_text() == f"Be brief.\n\n{BLOCK}"
    assert (root / link).readlink() == Path(file)

    remove(root)
    assert ((root / file).read_text(), (root / link).is_symlink()) == ("Be brief.\n", True)


@pytest.mark.parametrize("target", ["../outside.md", ".git/hooks/run.md", "src/main.py", "missing.md", "."])
def test_a_link_that_leads_anywhere_else_is_left_alone(root: Path, target: str) -> None:
    files = [root.parent / "outside.md", root / ".git" / "hooks" / "run.md", root / "src" / "main.py"]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("theirs\n")
    (root / "AGENTS.md").symlink_to(target)

    edits = place(root)

    assert [file.read_text() for file in files] == ["theirs\n"] * 3
    assert ((root / "AGENTS.md").readlink(), edits.done) == (Path(target), [])
    assert [note.partition(":")[0] for note in edits.notes] == ["AGENTS.md was left alone"]


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (b"a\n", 0o444, "it is read-only"),
        ("a\n".encode("utf-16"), 0o644, "it is not plain text"),
        (b"a" * 300_000, 0o644, "larger than 262144 bytes"),
    ],
)
def test_a_file_that_should_not_be_edited_is_left_alone_and_the_rest_continues(
    root: Path, content: bytes, mode: int, reason: str
) -> None:
    (root / "CLAUDE.md").write_bytes(content)
    (root / "CLAUDE.md").chmod(mode)

    edits = place(root)

    assert (root / "CLAUDE.md").read_bytes() == content
    assert (edits.done, edits.notes) == (["AGENTS.md"], [f"CLAUDE.md was left alone: {reason}"])


def test_an_override_that_hides_the_pointer_from_codex_is_reported(root: Path) -> None:
    (root / "AGENTS.override.md").write_text("mine\n")

    assert place(root).notes == ["AGENTS.override.md hides AGENTS.md, and the pointer in it, from Codex"]
