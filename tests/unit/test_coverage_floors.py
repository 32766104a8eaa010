"""When `make coverage` fails."""

from support.coverage_floors import FLOORS, below


def test_lines_and_branches_have_a_floor_each() -> None:
    whole = {"covered_lines": 99, "num_statements": 100, "covered_branches": 99, "num_branches": 100}
    few_branches = {**whole, "covered_branches": 80}

    assert below(whole) == []
    assert below(few_branches) == [f"branches: 80.0 % are run, at least {FLOORS['branches']:.0f} % should be"]
