from __future__ import annotations

from carryover.configedit.toml_segments import segments

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
