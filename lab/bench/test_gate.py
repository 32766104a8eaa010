"""When `make bench-gate` fails."""

from bench.gate import worse_than


def test_a_figure_fails_if_it_is_worse_in_every_run() -> None:
    runs = [{"start": 2.0, "idle": 1.3}, {"start": 1.9, "idle": 3.0}, {"start": 1.3, "idle": 1.2}]

    assert worse_than({"start": 1.0, "idle": 1.0}, runs) == ["start: 1.30, 1.90, 2.00 times its floor, 1.00 is stored"]


def test_a_figure_that_is_measured_no_more_fails() -> None:
    assert worse_than({"gone": 1.0}, [{}, {}]) == ["gone was not measured"]
