from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.distill.language.names import names_in, shared_names, weighty_words


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("Fix `Loaf.weigh` first", {"loaf.weigh"}, id="code"),
        pytest.param("look into src/bread/rye.py and ~/notes.txt", {"src/bread/rye.py", "~/notes.txt"}, id="paths"),
        pytest.param("edit rye.py.", {"rye.py"}, id="file at the end"),
        pytest.param("see https://x.test/rye?kg=2, please", {"https://x.test/rye?kg=2"}, id="link"),
        pytest.param("set MAX_LOAVES and max_heat", {"max_loaves", "max_heat"}, id="snake"),
        pytest.param("ovenHeat is in LoafOven", {"ovenheat", "loafoven"}, id="camel"),
        pytest.param("call bake() with --slow", {"bake", "--slow"}, id="call and option"),
        pytest.param("close #42 in v2 of T-15", {"#42", "v2", "t-15"}, id="numbers"),
        pytest.param("ask the API for it", {"api"}, id="capitals"),
        pytest.param("ask Nadia about the Sunday loaf", {"nadia", "sunday"}, id="capital inside"),
        pytest.param("then Jean-Luc's oven", {"jean-luc's"}, id="hyphen and apostrophe"),
    ],
)
def test_names_are_known_by_their_form(text: str, names: set[str]) -> None:
    assert set(names_in(text)) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("Frag bitte Nadia nach dem Ofen in der Küche", {"nadia"}, id="de"),
        pytest.param("Ajoute le four de Léa à la page Accueil", {"léa", "accueil"}, id="fr"),
        pytest.param("Añade el horno de Sofía al menú", {"sofía"}, id="es"),
        pytest.param("Põe o forno do João na lista", {"joão"}, id="pt"),
        pytest.param("Добавь печь Марии в список", {"марии"}, id="ru"),
        pytest.param("βάλε τον φούρνο της Μαρίας", {"μαρίασ"}, id="el"),
        pytest.param("オーブンをOvenPageに追加して", {"オーブン", "ovenpage"}, id="ja"),
        pytest.param("在OvenPage里加一个烤箱", {"ovenpage"}, id="zh"),
        pytest.param("OvenPage에 오븐을 추가해", {"ovenpage"}, id="ko"),
    ],
)
def test_names_are_found_in_every_script(text: str, names: set[str]) -> None:
    assert set(names_in(text)) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("OvenPageに追加して", {"ovenpage"}, id="ja identifier"),
        pytest.param("src/oven.pyを直して", {"src/oven.py"}, id="ja path"),
        pytest.param("--dry-runで実行", {"--dry-run"}, id="ja option"),
        pytest.param("APIを直す", {"api"}, id="ja capitals"),
        pytest.param("https://x.test/aを見て", {"https://x.test/a"}, id="ja link"),
        pytest.param("把src/oven.py改一下", {"src/oven.py"}, id="zh path"),
        pytest.param("oven_heat的值不对", {"oven_heat"}, id="zh identifier"),
        pytest.param("修改docs/烤箱.md吧", {"docs/烤箱.md"}, id="zh path in zh"),
        pytest.param("src/oven.py를 고쳐", {"src/oven.py"}, id="ko particle"),
    ],
)
def test_a_name_ends_where_text_without_spaces_continues(text: str, names: set[str]) -> None:
    assert set(names_in(text)) == names


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("The oven is hot. It smokes.", id="beginnings of sentences"),
        pytest.param("- Rye\n- Spelt\n1. Wheat", id="beginnings of items"),
        pytest.param("“Open” and (Closed) and ¿Abierto?", id="after a quotation mark or bracket"),
        pytest.param("STOP IT NOW", id="shouted"),
        pytest.param("I think Claude Code and Codex are OK", id="agents"),
        pytest.param("by 5 p.m., e.g. with salt, z.B. Meersalz", id="abbreviations"),
        pytest.param("3.5 kg and 1.2.3", id="figures"),
        pytest.param("面包很好吃", id="zh without names"),
        pytest.param("빵이 맛있어요", id="ko without names"),
        pytest.param("nicht über den Rand", id="de accent"),
        pytest.param("dans le même état", id="fr accent"),
        pytest.param("y el último él", id="es accent"),
        pytest.param("ми її їмо", id="uk"),
        pytest.param("`a`", id="a single letter"),
        pytest.param("", id="empty"),
    ],
)
def test_what_only_looks_like_a_name_is_none(text: str) -> None:
    assert names_in(text) == ()


def test_a_german_noun_behind_its_article_is_no_name() -> None:
    assert names_in("Wir heizen den Ofen und die alte Mühle für Nadia, nicht zum Backen") == ("nadia",)


def test_at_most_24_names_are_taken_the_surest_first() -> None:
    text = " ".join(f"then Oven{chr(65 + n)}x" for n in range(26)) + " and finally `rye_flour`"

    assert names_in(text)[0] == "rye_flour"
    assert len(names_in(text)) == 24


@pytest.mark.parametrize("part", ["-", ".", "word-", "a/", "A.", "_", "あa", "`", "https://"])
def test_a_hostile_text_costs_little(part: str) -> None:
    text = part * (100_000 // len(part))
    began = time.perf_counter()
    names_in(text)

    assert time.perf_counter() - began < 2


@given(st.text(max_size=300))
def test_any_text_has_names_in_one_case_without_repeats(text: str) -> None:
    names = names_in(text)

    assert len(names) == len(set(names)) <= 24
    assert all(name == name.casefold() and len(name) > 1 for name in names)


@pytest.mark.parametrize(
    ("name", "other", "same"),
    [
        ("rye.py", "src/bread/rye.py", True),
        ("recipe", "recipes", True),
        ("сметана", "сметаны", True),
        ("rye", "ryes", False),
        ("ovenheat", "ovenlight", False),
        ("rye.py", "rye.py", True),
    ],
)
def test_names_are_the_same_when_one_is_a_part_or_another_form_of_the_other(name: str, other: str, same: bool) -> None:
    assert shared_names((name, "nothing-like-it"), (other,)) == int(same)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Bake the loaves, not two loaf tins", {"bake", "loav", "loaf", "tins"}),
        ("Хлебы и хлебов", {"хлебы", "хлеб"}),
        ("烤面包", {"烤面", "面包"}),
        ("빵집에 메뉴를", {"빵집", "메뉴"}),
        ("one two six 1234", {"1234"}),
    ],
)
def test_words_that_carry_weight_meet_in_their_stems(text: str, words: set[str]) -> None:
    assert weighty_words(text) == words
