"""Tables and arrays of a TOML text are found with their bounds."""

from __future__ import annotations

from carryover.edits.toml_document import arrays, segments

TEXT = '''\
a = """
[no]
""""  # [no]
b = [
  [1, 2],  # ]
]
[one] # here
x = "[" # and here

# belongs to nobody
  [[ two . "th.ree" ]]
y = { z = ']' }
[last]'''


def test_tables_are_found_with_their_bounds_and_brackets_in_values_are_none() -> None:
    found = [(item.path, item.array, TEXT[item.start : item.end]) for item in segments(TEXT)]

    assert found == [
        (("one",), False, '[one] # here\nx = "[" # and here\n'),
        (("two", "th.ree"), True, "  [[ two . \"th.ree\" ]]\ny = { z = ']' }\n"),
        (("last",), False, "[last]"),
    ]


def test_a_text_without_tables_has_none() -> None:
    assert segments("") == ()
    assert segments("a = [[1], [2]]\n# [x]\n") == ()


WITH_ARRAYS = '''\
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
    found = {
        path: [WITH_ARRAYS[start:end] for start, end in array.items] for path, array in arrays(WITH_ARRAYS).items()
    }

    assert found == {
        ("a.b", "c"): ["1", '[2, "]"]', "{x = [3]}"],
        ("empty",): [],
        ("one", "two", "f"): ['"""\n]"""', "07:32:00"],
    }


def test_what_was_put_in_last_comes_out_again() -> None:
    for path, array in arrays(WITH_ARRAYS).items():
        after = array.with_item(WITH_ARRAYS, "{ y = 1 }")
        assert arrays(after)[path].without_item(after, len(array.items)) == WITH_ARRAYS
