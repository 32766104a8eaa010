"""What `make chaos MACHINES=2` compares after each round of kills."""

from collections import Counter

from chaos.load import Kind
from chaos.pair import differences


def test_what_one_machine_lacks_or_has_twice_is_found() -> None:
    whole: Counter[tuple[Kind, str]] = Counter({("prompt", "mark000001"): 1, ("answer", "mark000001"): 1})
    part: Counter[tuple[Kind, str]] = Counter({("prompt", "mark000001"): 1})

    assert differences(whole, whole) == []
    assert differences(whole, part) == ["answer mark000001 is there (1, 0) times"]
    assert len(differences(whole + part, whole + part)) == 1
