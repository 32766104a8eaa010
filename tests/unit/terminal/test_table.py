from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from carryover.terminal.table import Column, table
from carryover.terminal.width import columns

HEADS = (
    Column("ID"),
    Column("PROJECT", least=8, keep_end=True),
    Column("PROMPTS", right=True),
    Column("TASK", least=10),
)
ROWS = (
    ("3f2a", "~/code/clients/acme/shop", "12", "Add a discount function to cart.py and test it"),
    ("77b0", "~/notes", "3", "割引を追加する"),
)


def test_on_a_terminal_the_widest_columns_give_room() -> None:
    assert table(HEADS, ROWS, 60) == [
        "ID    PROJECT                PROMPTS  TASK",
        "3f2a  …de/clients/acme/shop       12  Add a discount functi…",
        "77b0  ~/notes                      3  割引を追加する",
    ]


@given(
    rows=st.lists(st.tuples(*[st.text(alphabet="ab 日", max_size=30)] * 4), max_size=4),
    width=st.integers(80, 200),
)
def test_cells_of_every_width_stay_in_the_terminal(rows: list[tuple[str, ...]], width: int) -> None:
    heads = [Column(title, least=6) for title in "ABCD"]

    assert max(map(columns, table(heads, rows, width))) <= width


def test_a_column_that_may_not_be_cut_stays_whole() -> None:
    long = "x" * 50

    assert table((Column("ID"), Column("TASK", least=5)), [(long, "a task to do")], 40)[1].startswith(f"{long}  ")
