from __future__ import annotations

import pytest

from carryover.distill.language.tongue import tongue_of


@pytest.mark.parametrize(
    ("text", "tongue"),
    [
        ("the dough is on the table and it has to rest", "en"),
        ("der Teig ist noch nicht fertig und muss ruhen", "de"),
        ("la pâte est sur la table et elle doit reposer", "fr"),
        ("la masa está en la mesa y no se puede tocar", "es"),
        ("a massa está na mesa e não se pode tocar", "pt"),
        ("la pasta è sulla tavola e non si tocca", "it"),
        ("тесто стоит на столе", "ru"),
        ("生地は台の上にあります", "ja"),
        ("面团在桌子上", "zh"),
        ("반죽이 탁자 위에 있어요", "ko"),
    ],
)
def test_a_text_is_known_by_its_script_or_its_function_words(text: str, tongue: str) -> None:
    assert tongue_of(text) == tongue


@pytest.mark.parametrize(
    "text", ["", "oven 42", "bake_all()", "Rye Spelt Wheat", "12:30", "add a menu as a page", "no, do me a list"]
)
def test_where_too_little_tells_no_language_is_named(text: str) -> None:
    assert tongue_of(text) is None


@pytest.mark.parametrize(
    ("text", "tongue"),
    [
        ("OvenPage の火を直してください", "ja"),
        ("в OvenPage нет печи", "ru"),
        ("the word хлеб is on the list of the shop", "en"),
        ("please call it 面包 in the menu of the shop", "en"),
    ],
)
def test_names_of_another_script_do_not_change_the_language(text: str, tongue: str) -> None:
    assert tongue_of(text) == tongue


def test_a_long_text_is_judged_by_its_beginning() -> None:
    assert tongue_of("the dough is on the table. " * 100 + "тесто стоит на столе. " * 1000) == "en"


def test_the_pieces_of_paths_and_ids_are_words_of_no_language() -> None:
    assert tongue_of("/o/e/para 7125e019-c469-e-a-o que/com/e.os :a:e") is None
