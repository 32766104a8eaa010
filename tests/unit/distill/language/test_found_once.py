from __future__ import annotations

from carryover.distill.language.found_once import found_once


class Loaf:
    def __init__(self) -> None:
        self.cuts = 0

    @found_once
    def crumb(self) -> str:
        """What is inside."""
        self.cuts += 1
        return "open"


def test_what_is_found_out_is_kept_with_the_thing() -> None:
    loaf = Loaf()

    assert (loaf.crumb, loaf.crumb, loaf.cuts) == ("open", "open", 1)
    assert (Loaf().crumb, loaf.cuts) == ("open", 1)
    assert vars(Loaf)["crumb"].__doc__ == "What is inside."
