"""Agreement as in the textbook, and where it says nothing."""

import pytest

from quality.exam.agreement import alpha

# K. Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), example C: twelve units, four observers.
WORKED_EXAMPLE = [
    [1, 1, 1],
    [2, 2, 3, 2],
    [3, 3, 3, 3],
    [3, 3, 3, 3],
    [2, 2, 2, 2],
    [1, 2, 3, 4],
    [4, 4, 4, 4],
    [1, 1, 2, 1],
    [2, 2, 2, 2],
    [5, 5, 5],
    [1, 1],
    [3],
]


def test_alpha_is_that_of_the_worked_example() -> None:
    assert alpha(WORKED_EXAMPLE) == pytest.approx(0.815, abs=0.0005)


def test_full_agreement_is_1_and_the_contrary_below_0() -> None:
    assert alpha([[0, 0], [2, 2], [1, 1]]) == 1
    against = alpha([[0, 2], [2, 0]])
    assert against is not None and against < 0


def test_the_same_grade_for_everything_says_nothing() -> None:
    assert alpha([[1, 1], [1, 1]]) is None
    assert alpha([[1], [2]]) is None
