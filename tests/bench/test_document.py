"""`architecture/benchmarks.md`: a run replaces its own sections and no other one."""

from __future__ import annotations

import getpass
import platform
from pathlib import Path

from bench.document import NOT_MEASURED, PATH, Heading, bodies_of, circumstances, document, put
from bench.sections import HEADINGS

TWO = {name: Heading(name, name.title(), f"About {name}.") for name in ("one", "two-parts")}


def test_a_section_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.md"
    for name, body in (("one", "first"), ("two-parts", "kept\n\n| a | table |"), ("one", "second")):
        put(path, TWO, name, body)

    assert bodies_of(path.read_text()) == {"one": "second\n", "two-parts": "kept\n\n| a | table |\n"}


def test_what_was_not_measured_is_named_as_that() -> None:
    assert bodies_of(document(TWO, {"one": "measured\n"})) == {"one": "measured\n", "two-parts": NOT_MEASURED}


def test_the_document_has_the_sections_of_the_benchmark() -> None:
    assert list(bodies_of(PATH.read_text(encoding="utf-8"))) == list(HEADINGS)


def test_a_run_names_its_versions_and_neither_host_nor_user_nor_folder() -> None:
    line = circumstances()

    assert platform.python_version() in line
    assert [word for word in (platform.node(), getpass.getuser(), str(Path.cwd())) if word in line.split()] == []
