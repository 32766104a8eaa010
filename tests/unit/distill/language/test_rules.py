"""What a prompt decides, by grammar: bans, obligations and preferences; what merely tells or asks for work is none."""

from __future__ import annotations

import pytest

from carryover.distill.language.prose import Quote
from carryover.distill.language.rules import LASTING, rules_in

LASTS = {
    "en never": "Never touch the recipe table.",
    "en always": "Always weigh the flour twice.",
    "en do not": "Do not open the oven door while it heats.",
    "en don't": "Please don’t rename the loaves.",
    "en must": "Every loaf must have a label.",
    "en only": "Only rye goes on the top shelf.",
    "en no more": "No more white flour in this shop.",
    "en repeated": "I already asked you to label the loaves.",
    "de niemals": "Fass niemals die Rezepttabelle an.",
    "de keine": "Verwende keine neuen Abhängigkeiten im Ofenmodul.",
    "de immer": "Das Mehl wird immer zweimal gewogen.",
    "de muss": "Jedes Brot muss ein Etikett haben.",
    "de nicht mehr": "Ab heute wird hier nicht mehr geraucht.",
    "de repeated": "Ich habe dir doch gesagt, die Tür bleibt zu.",
    "fr jamais": "Ne touche jamais à la table des recettes.",
    "fr ne pas": "N'ouvre pas la porte du four.",
    "fr toujours": "Pèse toujours la farine deux fois.",
    "fr doit": "Chaque pain doit avoir une étiquette.",
    "fr repeated": "Je t'ai dit de garder la porte fermée.",
    "es nunca": "Nunca toques la tabla de recetas.",
    "es siempre": "Pesa siempre la harina dos veces.",
    "es no uses": "No uses harina blanca.",
    "es debe": "Cada pan debe llevar una etiqueta.",
    "es repeated": "Te pedí que dejaras la puerta cerrada.",
    "pt": "Nunca mexas na tabela de receitas.",
    "pt não": "Não use farinha branca.",
    "it": "Non toccare la tabella delle ricette.",
    "ru никогда": "Никогда не трогай таблицу рецептов.",
    "ru не": "Не открывай дверь печи.",
    "ru всегда": "Всегда взвешивай муку дважды.",
    "ru нельзя": "Белую муку использовать нельзя.",
    "ru должен": "Каждый хлеб должен быть с этикеткой.",
    "ru repeated": "Я же просил держать дверь закрытой.",
    "ja ないで": "レシピの表は絶対に触らないでください。",
    "ja 必ず": "小麦粉は必ず二回量ってください。",
    "ja 禁止": "白い小麦粉の使用は禁止です。",
    "ja だけ": "上の棚はライ麦だけにしてください。",
    "zh 不要": "不要修改配方表。",
    "zh 别": "别打开烤箱的门。",
    "zh 必须": "每个面包必须贴标签。",
    "zh 只能": "上层只能放黑麦面包。",
    "ko 마": "레시피 표는 건드리지 마.",
    "ko 말아": "오븐 문을 열지 말아 주세요.",
    "ko 안 돼": "오븐 문을 열면 안 돼요.",
    "ko 반드시": "밀가루는 반드시 두 번 재세요.",
    "ko 만": "위 선반에는 호밀빵만 두세요.",
}


@pytest.mark.parametrize("sentence", LASTS.values(), ids=LASTS)
def test_an_order_or_ban_is_meant_to_last(sentence: str) -> None:
    assert [(rule.text, rule.rule, rule.weight) for rule in rules_in(sentence)] == [
        (sentence, "order or ban in the user's words", LASTING)
    ]


BRIEF = {
    "en": "Do not touch the till for now.",
    "en session": "Never push in this session.",
    "de": "Fass die Kasse vorerst auf keinen Fall an.",
    "fr": "Ne touche pas à la caisse pour le moment.",
    "es": "No toques la caja por ahora.",
    "ru": "Пока кассу не трогай.",
    "ja": "今回はレジに絶対触らないで。",
    "zh": "这次不要改收银台。",
    "ko": "이번에는 계산대를 건드리지 마.",
}


@pytest.mark.parametrize("sentence", BRIEF.values(), ids=BRIEF)
def test_one_that_is_said_to_hold_for_a_while_only_does_not_last(sentence: str) -> None:
    assert [(rule.text, rule.weight) for rule in rules_in(sentence)] == [(sentence, 2.0)]


REQUIRED = {
    "en": "The till should round to five cents.",
    "en bound": "At most ten loaves in a basket.",
    "en as it is": "Keep the labels as they are.",
    "de": "Die Kasse soll auf fünf Cent runden.",
    "de bound": "Höchstens zehn Brote im Korb.",
    "fr": "Au plus dix pains par panier.",
    "es": "Como máximo diez panes por cesta.",
    "ru": "В корзине не больше десяти хлебов.",
    "ja": "かごには十個以内にまとめる。",
    "zh": "篮子里最多十个面包。",
    "ko": "바구니에는 최대 열 개.",
}


@pytest.mark.parametrize("sentence", REQUIRED.values(), ids=REQUIRED)
def test_a_requirement_weighs_less_and_as_a_list_item_more(sentence: str) -> None:
    found = [*rules_in(sentence), *rules_in(f"- {sentence}")]

    assert [(rule.text, rule.rule, rule.weight) for rule in found] == [
        (sentence, "requirement in the user's words", 1.5),
        (sentence, "requirement in the user's words", 2.0),
    ]


BANNED_LATER = {
    "en": ("Bake it small, don't burn it.", 3.0),
    "en no": ("Bake it small, no raisins in it.", 1.0),
    "de": ("Back es klein, keine Rosinen.", 3.0),
    "fr": ("Fais-le petit, pas de raisins.", 3.0),
    "es": ("Hazlo pequeño, sin pasas.", 1.0),
    "ru": ("Испеки маленьким, без изюма.", 1.0),
}


@pytest.mark.parametrize(("sentence", "weight"), BANNED_LATER.values(), ids=BANNED_LATER)
def test_a_ban_may_follow_an_order_after_a_comma(sentence: str, weight: float) -> None:
    assert [(rule.text, rule.weight) for rule in rules_in(sentence)] == [(sentence, weight)]


PREFERRED = {
    "en": "Use spelt flour for the rolls.",
    "en without": "No raisins in the rolls.",
    "de": "Nimm Dinkelmehl für die Brötchen.",
    "fr": "Prends de la farine d'épeautre.",
    "es": "Usa harina de espelta.",
    "ru": "Используй муку из полбы.",
    "ja": "スペルト小麦を使って。",
    "zh": "请用斯佩尔特面粉。",
    "ko": "스펠트 밀가루를 사용해.",
}


@pytest.mark.parametrize("sentence", PREFERRED.values(), ids=PREFERRED)
def test_a_preference_between_ways_weighs_least(sentence: str) -> None:
    assert [(rule.text, rule.rule, rule.weight) for rule in rules_in(sentence)] == [
        (sentence, "preference in the user's words", 1.0)
    ]


ORDERS = {
    "en": "Bake three loaves of rye.",
    "en page": "Add a menu to the page",
    "en hyphen": "Add a check for non-empty baskets.",
    "en word": "Show the user-not found page.",
    "de": "Backe drei Roggenbrote.",
    "fr": "Ajoute une page pour le menu.",
    "es": "Añade una página para el menú.",
    "ru": "Добавь страницу с меню.",
    "ja": "メニューのページを追加して。",
    "ja polite": "メニューを足してくださいね。",
    "zh": "加一个菜单页面。",
    "zh kinds": "给每个类别加一个页面，分别测试。",
    "ko": "메뉴 페이지를 추가해 줘.",
    "ko last": "페이지 마지막에 링크를 추가해 줘.",
}
QUESTIONS = {
    "en": "Should we always weigh the flour?",
    "de": "Muss das Mehl immer gewogen werden?",
    "fr": "Faut-il toujours peser la farine ?",
    "es": "¿Hay que pesar siempre la harina?",
    "ru": "Надо ли всегда взвешивать муку?",
    "ja": "必ず量りますか。",
    "zh": "必须称两次吗",
    "ko": "반드시 재야 하나요?",
}
QUESTIONS_WITHOUT_MARK = {
    "en": "Why must the flour be weighed",
    "de": "Warum muss das Mehl gewogen werden",
    "fr": "Pourquoi il faut peser la farine",
    "es": "Por qué hay que pesar la harina",
    "ru": "Почему надо взвешивать муку",
    "ja": "なぜ必ず量るの",
    "zh": "为什么必须称两次 怎么避免",
    "ko": "왜 반드시 재야 해",
}
ORDERS_TO_THE_AGENT = {
    "es": "Quiero que leas esta receta.",
    "fr": "Je veux que tu lises cette recette.",
}
BUG_REPORTS = {
    "en": "The oven does not start any more.",
    "en always": "It always crashes when I open the door.",
    "en never": "The oven never gets hot.",
    "en no": "The receipt shows no price.",
    "en I": "I don't understand this message.",
    "en they": "The loaves don't rise.",
    "de": "Der Ofen funktioniert nicht mehr.",
    "de door": "Die Tür öffnet sich nicht mehr.",
    "fr": "Le four ne démarre plus.",
    "fr I": "Je ne comprends pas ce message.",
    "fr none": "Il n'y a pas de prix sur le reçu.",
    "es": "El horno no arranca.",
    "pt": "O forno não liga.",
    "it": "Il forno non parte.",
    "ru": "Печь не включается.",
    "ja": "オーブンが起動しません。",
    "ja I wonder": "熱すぎるのかな。",
    "zh": "烤箱不启动。",
    "zh others": "别的面包没有显示。",
    "ko": "오븐이 켜지지 않아요.",
    "ko not going": "빌드가 안 돼요.",
    "ko but": "문은 닫혔어요. 하지만 불이 꺼져요.",
}
TALK = {
    "hedged": "Maybe the till should round.",
    "leads to a list": "Always do the following:",
    "one word": "Never!",
    "greeting": "Hello there, nice work.",
    "too long": "Never " + "ever " * 60 + "do that.",
}


@pytest.mark.parametrize(
    "sentence",
    [
        *ORDERS.values(),
        *ORDERS_TO_THE_AGENT.values(),
        *QUESTIONS.values(),
        *QUESTIONS_WITHOUT_MARK.values(),
        *BUG_REPORTS.values(),
        *TALK.values(),
    ],
    ids=[
        *(f"order {name}" for name in ORDERS),
        *(f"order to the agent {name}" for name in ORDERS_TO_THE_AGENT),
        *(f"question {name}" for name in QUESTIONS),
        *(f"question without mark {name}" for name in QUESTIONS_WITHOUT_MARK),
        *(f"bug {name}" for name in BUG_REPORTS),
        *TALK,
    ],
)
def test_what_asks_for_work_asks_or_tells_decides_nothing(sentence: str) -> None:
    assert rules_in(sentence) == ()


def test_the_rules_of_a_prompt_keep_its_order_and_name_what_they_are_about() -> None:
    prompt = "Use `spelt` for the rolls. I had a nice lunch. Never push to Main.\n- the till should round"

    assert rules_in(prompt) == (
        Quote("Use `spelt` for the rolls.", "preference in the user's words", 1.0, ("spelt",)),
        Quote("Never push to Main.", "order or ban in the user's words", 3.0, ("main",)),
        Quote("the till should round", "requirement in the user's words", 2.0),
    )


def test_code_in_a_fence_is_not_read_as_words() -> None:
    assert rules_in("Look:\n```\nyou must never run this\n```") == ()


def test_one_prompt_gives_at_most_eight_the_weightiest() -> None:
    prompt = "\n".join([*(f"- the till should ring {n} times" for n in range(9)), "Never open loaf number 10."])

    assert [rule.text for rule in rules_in(prompt)] == [
        *(f"the till should ring {n} times" for n in range(7)),
        "Never open loaf number 10.",
    ]


def test_of_a_very_long_prompt_beginning_and_end_are_read() -> None:
    prompt = "Never open the door.\n" + "Bake a loaf.\n" * 2000 + "Always weigh the flour."

    assert [rule.text for rule in rules_in(prompt)] == ["Never open the door.", "Always weigh the flour."]


def test_a_label_is_no_requirement() -> None:
    """Each of its words has a capital, and none is a verb."""
    assert rules_in("Figma Config 2025 Compatible (Variables, Updated Autolayout, more!)") == ()
    assert [rule.text for rule in rules_in("It must stay Python 3.9 Compatible.")] != []
    assert [rule.text for rule in rules_in("NEVER TOUCH THE LEDGER AGAIN")] != []


def test_a_ban_with_an_exception_is_a_rule_and_no_guess() -> None:
    text = "Do not change the recipe unless I ask for it."

    assert rules_in(text)[0].text == text


def test_a_rule_is_quoted_without_the_dash_of_the_item_before() -> None:
    assert rules_in("salt. - never open the door")[0].text == "never open the door"


def test_a_wish_of_what_the_reader_does_is_an_order() -> None:
    assert rules_in("Quiero que tengas acceso a esa carpeta") == ()


@pytest.mark.parametrize(
    "text",
    [
        'print("Only the rye separates them.")',
        r"C:\dev\bakery\Oven.cs(41,14): warning ASP0011: Only one builder should be used",
        "Describe to me how it ought to work with my oven",
    ],
)
def test_code_output_and_indirect_questions_decide_nothing(text: str) -> None:
    assert rules_in(text) == ()


def test_an_order_to_explain_why_is_a_rule() -> None:
    assert [rule.text for rule in rules_in("Always explain why the loaf burnt.")] == [
        "Always explain why the loaf burnt."
    ]


@pytest.mark.parametrize(
    "said", ["yes no raisins in the rolls", "Yes, no raisins in the rolls", "ja keine Rosinen mehr im Teig"]
)
def test_a_ban_counts_after_a_yes(said: str) -> None:
    assert [rule.text for rule in rules_in(said)] == [said]
