"""Documents and docstrings are without words that read like a translation; code and quotations are left alone."""

from habits.prose import HABITS, docstrings, found_in


def test_a_habit_is_found_with_its_line_and_what_to_write_instead() -> None:
    text = "One.\n\nIt is read anew,\none line an event.\nAnew."

    assert [*found_in(text)] == [(3, "anew", "again"), (5, "Anew", "again")]
    assert [words for _, words, _ in found_in("It costs a row an event.")] == ["a row an event"]


def test_code_comments_and_quotations_are_not_prose() -> None:
    text = '`anew`\n```\nanew\n```\n<!-- anew -->\nIt said "begin anew".\nRenewed.\n'

    assert [*found_in(text)] == []


def test_of_a_module_only_docstrings_are_read() -> None:
    source = '"""One.\n\nRead anew."""\nanew = "anew"  # anew\n\ndef f() -> None:\n    """Anew."""\n'

    assert [line for line, _, _ in found_in(docstrings(source))] == [3, 7]


def test_each_row_of_the_table_is_a_pattern_that_its_remedy_does_not_match() -> None:
    assert [habit for habit, instead in HABITS.items() if [*found_in(instead)]] == []
