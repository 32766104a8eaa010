from __future__ import annotations

from carryover.daemon.known_versions import KEPT_S, MOST, KnownVersions


def test_what_is_known_is_forgotten_after_a_time() -> None:
    now_s = 0.0
    known = KnownVersions(lambda: now_s)
    known.exchange({"a": "1.0"})
    now_s = KEPT_S / 2
    known.exchange({"b": "2.0"})

    assert known.exchange({}).versions == {"a": "1.0", "b": "2.0"}
    now_s = KEPT_S
    assert known.exchange({}).versions == {"b": "2.0"}


def test_it_keeps_the_newest_and_nothing_long() -> None:
    known = KnownVersions(lambda: 0.0)
    known.exchange({"long": "1" * 1000, "1" * 1000: "1.0"})

    assert known.exchange({}).versions == {}
    many = {f"{number}": "1.0" for number in range(MOST + 1)}
    assert list(known.exchange(many).versions) == list(many)[1:]
