"""How much of what takes the same path is tried by day, at night and by `make fuzz`."""

from math import ceil

from hypothesis import settings


def one_in(by_day: int) -> int:
    """Returns of how many cases one is tried: by day of so many, else of as many fewer as a property has more examples.
    That is a quarter with the tests of the night, and by `make fuzz` each case is tried."""
    return ceil(by_day * settings.get_profile("fixed").max_examples / settings().max_examples)
