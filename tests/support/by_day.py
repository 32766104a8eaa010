"""How much of what takes the same path is tried by day, at night and by `make fuzz`."""

from hypothesis import settings


def one_in(by_day: int) -> int:
    """Of how many cases one is tried: of so many by day, of a quarter of that at night, and each where examples are
    random. As many more as there are more examples of properties."""
    return max(1, by_day * settings.get_profile("fixed").max_examples // settings().max_examples)
