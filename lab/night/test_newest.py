"""When `make test-agents-newest` says that a new version breaks a fact."""

from __future__ import annotations

from pathlib import Path

from night.newest import difference, failures_in, question

ROW = "lab/real_agents/test_sessions.py::test_a_turn_is_read"
OTHER = "lab/real_agents/test_hooks.py::test_a_hook_is_run"


def test_a_row_that_fails_with_the_newest_version_alone_is_a_broken_fact() -> None:
    printed = f"""\
PASSED {ROW}[pi-1.0.0]
FAILED {ROW}[pi-1.1.0] - AssertionError: the prompt is gone
FAILED {OTHER}[pi-1.0.0] - Timeout
FAILED {OTHER}[pi-1.1.0] - Timeout
"""

    assert failures_in(1, printed, "1.1.0", "1.0.0") == [(f"{ROW}[pi-1.1.0]", "AssertionError: the prompt is gone")]


def test_a_version_whose_rows_all_pass_breaks_nothing() -> None:
    assert failures_in(0, f"PASSED {ROW}[pi-1.0.0]\nPASSED {ROW}[pi-1.1.0]\n", "1.1.0", "1.0.0") == []


def test_a_version_that_could_not_be_fetched_and_a_run_that_did_not_begin_are_no_pass() -> None:
    skipped = f"PASSED {ROW}[pi-1.0.0]\nSKIPPED [1] lab/real_agents/conftest.py:61: no pi 1.1.0\n"
    broken = "ERROR lab/real_agents/test_sessions.py - ImportError: no module\n"

    assert failures_in(0, skipped, "1.1.0", "1.0.0") == [
        ("lab/real_agents", "no row was run with 1.1.0; pytest ended with 0")
    ]
    assert failures_in(2, broken, "1.1.0", "1.0.0") == [
        ("lab/real_agents", "no row was run with 1.1.0; pytest ended with 2")
    ]


def test_a_client_that_needs_another_python_is_found_too() -> None:
    assert "--ignore-requires-python" in question("pypi mistral-vibe")


def test_fields_that_come_and_go_with_a_version_are_the_difference(tmp_path: Path) -> None:
    (tmp_path / "shapes").mkdir()
    for version, shapes in (
        ("1.0.0", ".pi: user.text str\n.pi: end.at int\n"),
        ("1.1.0", ".pi: user.text str\n.pi: end str\n"),
    ):
        (tmp_path / "shapes" / f"pi {version} test_a_turn.txt").write_text(shapes)

    assert difference(tmp_path, "pi", "1.0.0", "1.1.0") == [
        "--- pi 1.0.0",
        "+++ pi 1.1.0",
        "-.pi: end.at int",
        "+.pi: end str",
    ]
    assert difference(tmp_path, "pi", "1.0.0", "1.0.0") == []
