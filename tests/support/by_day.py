"""How many of the cases that take the same path run in `make test`, in the tests of the night and in `make fuzz`."""

from math import ceil

from hypothesis import settings


def one_in(by_day: int) -> int:
    """Returns n if one in n cases is to run. In `make test` that is `by_day`; where properties get more examples, n
    falls in proportion: to a quarter with the tests of the night, and to 1 in `make fuzz`, which runs each case."""
    return ceil(by_day * settings.get_profile("fixed").max_examples / settings().max_examples)
