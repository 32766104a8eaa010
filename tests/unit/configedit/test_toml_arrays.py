from __future__ import annotations

from carryover.configedit.toml_arrays import arrays

TEXT = '''\
"a.b" . c = [ 1, [2, "]"], {x = [3]} ] # [4]
d = { e = [5] }
empty=[]
[one.two]
f = [
  """
]""", # six, seven
  07:32:00,
]
[[three]]
g = [8]
'''


def test_arrays_are_found_with_their_items_by_their_way_from_the_root() -> None:
    found = {path: [TEXT[start:end] for start, end in array.items] for path, array in arrays(TEXT).items()}

    assert found == {
        ("a.b", "c"): ["1", '[2, "]"]', "{x = [3]}"],
        ("empty",): [],
        ("one", "two", "f"): ['"""\n]"""', "07:32:00"],
    }


def test_what_was_put_in_last_comes_out_again() -> None:
    for path, array in arrays(TEXT).items():
        after = array.with_item(TEXT, "{ y = 1 }")
        assert arrays(after)[path].without_item(after, len(array.items)) == TEXT
