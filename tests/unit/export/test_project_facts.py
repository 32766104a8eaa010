from __future__ import annotations

import pytest

from carryover.export.project_facts import fence_name, first_paragraph, languages, layout


@pytest.mark.parametrize(
    "readme",
    [
        "# shop\n\nSells bread.\nIn Rust.\n\nMore.",
        "Shop\n====\n\nSells bread.\nIn Rust.\n\nMore.",
        "<h1 align=center>shop</h1>\n[![CI](x.svg)](y)\n![logo](z.png)\n\nSells bread.\nIn Rust.\n\n## Use",
        "<!-- hidden\nwords -->\n# shop\n```\ncargo run\n```\n| a | b |\n\nSells bread.\nIn Rust.",
    ],
)
def test_the_first_paragraph_is_the_first_prose_of_a_readme(readme: str) -> None:
    assert first_paragraph(readme) == "Sells bread. In Rust."


def test_a_readme_without_prose_says_nothing_and_a_long_one_is_cut_at_a_word() -> None:
    assert first_paragraph("# shop\n\n![logo](z.png)\n") == ""
    assert first_paragraph("bread " * 300).endswith("bread…")
    assert len(first_paragraph("bread " * 300)) <= 700


def test_languages_are_counted_by_files_and_documents_come_last() -> None:
    paths = ["a.md", "b.md", "c.md", "x.py", "y.py", "z.ts", "Makefile"]

    assert languages(paths) == [("Python", 2), ("TypeScript", 1), ("Markdown", 3)]


def test_the_layout_names_folders_with_what_is_most_in_them_and_stays_short() -> None:
    assert layout(["src/a/1.py", "src/a/2.py", "src/b.py", "README.md"]) == [
        "src/ (3): a/, b.py",
        "at the top: README.md",
    ]
    crowd = [f"folder{number:03}/x.py" for number in range(100)] + [f"top{number}.txt" for number in range(100)]
    assert len(layout(crowd)) <= 26


def test_a_block_is_marked_with_the_language_of_its_file() -> None:
    assert [fence_name(path) for path in ("a.py", "b.hpp", "c.json", "Makefile")] == ["python", "cpp", "json", ""]
