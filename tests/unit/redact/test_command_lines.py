"""What is searched for before a pattern of a command line must be in all that the pattern matches."""

from __future__ import annotations

import pytest

from carryover.redact import command_lines, redact


def test_a_quick_pattern_is_a_part_of_the_one_that_it_stands_for() -> None:
    quick = [place for place in command_lines._PLACES if place.part is not None]

    assert quick
    assert all(place.part.pattern in place.pattern.pattern for place in quick if place.part is not None)


def test_every_place_is_looked_up_by_a_part_of_its_hint() -> None:
    by_part = command_lines._BY_COMMON_PART

    assert sorted(place.hint for places in by_part.values() for place in places) == sorted(
        place.hint for place in command_lines._PLACES
    )
    assert all(part in place.hint for part, places in by_part.items() for place in places)


@pytest.mark.parametrize("host", ["db.example.com:5432", "*:*", "localhost:15432"])
def test_a_line_of_pgpass_is_hidden(host: str) -> None:
    assert redact(f"{host}:shop:owner:s3cretpw\n")[0] == f"{host}:shop:owner:[redacted:password]\n"
