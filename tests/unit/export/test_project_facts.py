from __future__ import annotations

import pytest

from carryover.export.material import first_paragraph, layout


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


def test_the_layout_names_folders_with_what_is_most_in_them_and_stays_short() -> None:
    assert layout(["src/a/1.py", "src/a/2.py", "src/b.py", "README.md"]) == [
        "src/ (3): a/, b.py",
        "at the top: README.md",
    ]
    crowd = [f"folder{number:03}/x.py" for number in range(100)] + [f"top{number}.txt" for number in range(100)]
    assert len(layout(crowd)) <= 26
