"""What an answer of an assistant says, by place and form first: what comes next, what it asks, found and tried."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.distill.language.answer import parts_of
from carryover.distill.language.report import Quote, Report, dead_ends_in, findings_in, last_words, read_report

BUILT = {
    "en": "The oven is built.",
    "de": "Der Ofen ist gebaut.",
    "fr": "Le four est construit.",
    "es": "El horno está construido.",
    "pt": "O forno está construído.",
    "it": "Il forno è costruito.",
    "ru": "Новая печь построена.",
    "ja": "窯を作りました。",
    "zh": "烤箱已经做好了。",
    "ko": "오븐을 만들었습니다.",
}
"""An outcome in every language, which none of the lists is about."""


def announced(text: str) -> list[tuple[str, str]]:
    return [(quote.text, quote.rule) for quote in read_report(text).announced]


def asked(text: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.text, one.options) for one in read_report(text).asked]


def texts(quotes: tuple[Quote, ...]) -> list[str]:
    return [quote.text for quote in quotes]


@pytest.mark.parametrize("sentence", BUILT.values(), ids=BUILT)
def test_an_outcome_alone_says_nothing_else(sentence: str) -> None:
    report = read_report(f"{sentence} {sentence}")

    assert (report.outcome, report.sentences) == (sentence, 2)
    assert (report.announced, report.asked, report.dead_ends, report.loose_ends) == ((), (), (), ())


# ---- what comes next

NEXT = {
    "en": ("Next steps", "wire the till", "print the labels"),
    "de": ("Nächste Schritte", "Kasse verbinden", "Etiketten drucken"),
    "fr": ("Prochaines étapes", "relier la caisse", "imprimer les étiquettes"),
    "es": ("Próximos pasos", "conectar la caja", "imprimir las etiquetas"),
    "pt": ("Próximos passos", "ligar a caixa", "imprimir as etiquetas"),
    "it": ("Prossimi passi", "collegare la cassa", "stampare le etichette"),
    "ru": ("Следующие шаги", "подключить кассу", "напечатать этикетки"),
    "ja": ("次のステップ", "レジをつなぐ", "ラベルを印刷する"),
    "zh": ("下一步", "接上收银台", "打印标签"),
    "ko": ("다음 단계", "계산대 연결", "라벨 인쇄"),
}


@pytest.mark.parametrize("language", NEXT)
@pytest.mark.parametrize("form", ["## {}\n", "**{}**\n", "{}:\n"], ids=["heading", "bold", "colon"])
def test_a_list_under_a_heading_that_looks_ahead_comes_next(language: str, form: str) -> None:
    heading, first, second = NEXT[language]
    answer = f"{BUILT[language]}\n\n{form.format(heading)}- {first}\n- {second}"

    assert announced(answer) == [
        (first, "list under a heading that looks ahead"),
        (second, "list under a heading that looks ahead"),
    ]


AHEAD = {
    "en": "I will wire the till to the oven.",
    "en next": "Next comes the receipt printer.",
    "en left": "The labels are still missing.",
    "de": "Als Nächstes verbinde ich die Kasse mit dem Ofen.",
    "de will": "Ich werde die Kasse noch verbinden.",
    "fr": "Je vais maintenant relier la caisse au four.",
    "fr left": "Il reste à imprimer les étiquettes.",
    "es": "Ahora voy a conectar la caja con el horno.",
    "es left": "Falta imprimir las etiquetas.",
    "pt": "Agora vou ligar a caixa ao forno.",
    "it": "Adesso collegherò la cassa al forno.",
    "ru": "Дальше подключу кассу к печи.",
    "ru left": "Осталось напечатать этикетки.",
    "ja": "次はレジを窯につなぎます。",
    "ja left": "残りはラベルの印刷です。",
    "zh": "接下来我会把收银台接到烤箱上。",
    "zh left": "还需要打印标签。",
    "ko": "이제 계산대를 오븐에 연결하겠습니다.",
    "ko left": "남은 것은 라벨 인쇄입니다.",
}


@pytest.mark.parametrize("name", AHEAD)
def test_the_last_sentence_that_looks_ahead_comes_next(name: str) -> None:
    built = BUILT[name.split()[0]]

    assert announced(f"{built} {AHEAD[name]} {built}") == [(AHEAD[name], "last sentence that looks ahead")]


def test_of_a_list_the_first_three_that_are_not_done_are_taken() -> None:
    answer = "## Next steps\n- [x] till\n- [ ] door\n- light\n- bell\n- label"

    assert texts(read_report(answer).announced) == ["door", "light", "bell"]


def test_of_several_lists_the_last_one_counts() -> None:
    answer = "## Next steps\n- till\n- door\n\n## What I did\n- light\n- bell"

    assert announced(answer) == []


def test_a_numbered_list_at_the_end_comes_next() -> None:
    answer = "The oven is built. In this order:\n1. wire the till\n2. print the labels"

    assert announced(answer) == [
        ("wire the till", "numbered list at the end"),
        ("print the labels", "numbered list at the end"),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("I did this:\n1. [x] the till\n2. [x] the labels", id="done"),
        pytest.param("I did this:\n1. ✅ the till\n2. the labels", id="one done"),
        pytest.param("Two things:\n1. the till\n2. the bell\n\nThe till is new. The bell is old.", id="not the end"),
        pytest.param("The oven has:\n- a door\n- a light", id="bullets"),
        pytest.param("1. the till\n2. the labels", id="nothing leads to it"),
        pytest.param("The oven has:\n1. a door", id="a single item"),
        pytest.param("Which one?\n1. the till\n2. the labels", id="options"),
        pytest.param("## What I did\n- wired the till\n- printed the labels", id="heading that looks back"),
    ],
)
def test_other_lists_do_not(answer: str) -> None:
    assert announced(answer) == []


def test_the_command_that_the_answer_leads_to_comes_next() -> None:
    answer = "The oven is built. Light it with:\n```sh\nmake `fire`\n\nmake loaf\n```"

    assert announced(answer) == [("Light it with: `make fire; make loaf`", "command the answer ends with")]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("The oven is built.\n```sh\nmake fire\n```", id="no colon"),
        pytest.param("Light it with:\n```sh\nmake fire\n```\nIt is hot.", id="not the end"),
        pytest.param("This is it:\n```\n" + "line\n" * 9 + "```", id="too long"),
        pytest.param("This is it:\n```\n```", id="empty"),
    ],
)
def test_other_code_does_not(answer: str) -> None:
    assert announced(answer) == []


def test_a_sentence_that_looks_ahead_takes_what_follows_its_colon() -> None:
    answer = "Next I will run what lights it:\n```sh\nmake fire\n```\nThe door is shut."

    assert announced(answer) == [("Next I will run what lights it: make fire", "last sentence that looks ahead")]


def test_a_sentence_after_the_list_comes_before_its_items() -> None:
    answer = "## Next steps\n- till\n- door\n- light\n\nThen I will label the loaves."

    assert texts(read_report(answer).announced) == ["Then I will label the loaves.", "till", "door"]


def test_where_nothing_looks_ahead_a_last_sentence_that_names_something_is_taken() -> None:
    assert announced("The oven is built. The till is in `till.py`.") == [
        ("The till is in `till.py`.", "last sentence of the answer")
    ]
    assert announced("The till is in `till.py`.") == []


@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param("Shall I wire the till next?", id="question"),
        pytest.param("Let me know if you need anything else.", id="courtesy"),
        pytest.param("If you want more of it, let me know.", id="let me know"),
        pytest.param("Next!", id="too short"),
    ],
)
def test_questions_and_politeness_announce_nothing(sentence: str) -> None:
    assert announced(f"The oven is built. {sentence}") == []


def test_a_step_put_to_the_user_without_a_question_is_announced() -> None:
    answer = "Done.\nIf you're happy with rye, I'll go on to the crust. If you want more details, let me know."

    assert texts(read_report(answer).announced) == ["If you're happy with rye, I'll go on to the crust."]


# ---- questions

QUESTIONS = {
    "en": "Which flour should I take, rye or spelt?",
    "de": "Welches Mehl soll ich nehmen, Roggen oder Dinkel?",
    "fr": "Quelle farine prendre, seigle ou épeautre ?",
    "es": "¿Qué harina uso para esto, centeno o espelta?",
    "pt": "Que farinha uso para isto, centeio ou espelta?",
    "it": "Quale farina uso per questo, segale o farro?",
    "ru": "Какую муку взять для этого, ржаную или полбу?",
    "ja": "ライ麦と小麦のどちらの粉を使いますか。",
    "zh": "做这个面包用黑麦粉还是斯佩尔特粉呢？",
    "ko": "이 빵에 호밀가루와 밀가루 중 무엇을 쓸까요?",
}
REQUESTS = {
    "en": "Please tell me which flour to take.",
    "de": "Sag mir bitte, welches Mehl ich nehmen soll.",
    "fr": "Dis-moi quelle farine je prends pour les petits pains.",
    "es": "Dime qué harina uso para los panecillos.",
    "pt": "Diga-me qual farinha usar para os pãezinhos.",
    "it": "Dimmi quale farina usare per i panini.",
    "ru": "Скажи, какую муку взять для этих булок.",
    "ja": "丸パンの生地にどの粉を使うか、先に教えてください。",
    "zh": "请告诉我做小面包的时候用哪种面粉。",
    "ko": "롤빵에 어떤 밀가루를 쓸지 알려 주세요.",
}
COURTESY = {
    "en": "Let me know if you need anything else.",
    "en else": "Is there anything else I can help with?",
    "en next": "What would you like to do next?",
    "de": "Sag gern Bescheid, wenn du noch etwas brauchst.",
    "fr": "N'hésite pas si tu as d'autres questions.",
    "es": "¿Puedo ayudarte en algo más?",
    "pt": "Fique à vontade para perguntar.",
    "it": "Fammi sapere se serve altro.",
    "ru": "Обращайся, если что-то ещё понадобится.",
    "ja": "他に何かあればお気軽にどうぞ。",
    "zh": "还有什么需要随时告诉我。",
    "ko": "더 필요한 것이 있으면 언제든 말씀해 주세요.",
}
GO_ON = {
    "en": "Do you want to continue from here, or are you starting something different?",
    "en in other words": "Shall I pick up where we left off, or is it something different?",
    "de": "Möchtest du von hier aus weitermachen oder etwas anderes anfangen?",
    "fr": "Veux-tu continuer à partir d'ici ou commencer autre chose ?",
    "es": "¿Quieres continuar desde aquí o empezar algo distinto?",
    "pt": "Quer continuar daqui ou começar algo diferente?",
    "it": "Vuoi continuare da qui o iniziare qualcosa di diverso?",
    "ru": "Продолжить отсюда или начать что-то другое?",
    "ja": "ここから続けますか、それとも別のことを始めますか？",
    "zh": "从这里继续，还是做别的事？",
    "ko": "여기서 계속할까요, 아니면 다른 일을 시작할까요?",
}


@pytest.mark.parametrize("language", QUESTIONS)
def test_a_question_at_the_end_is_asked(language: str) -> None:
    report = read_report(f"{BUILT[language]} {QUESTIONS[language]}")

    assert [(one.text, one.rule) for one in report.asked] == [
        (QUESTIONS[language], "question at the end of the answer")
    ]


@pytest.mark.parametrize("language", REQUESTS)
def test_a_request_for_the_users_word_asks_without_a_question_mark(language: str) -> None:
    report = read_report(f"{BUILT[language]} {REQUESTS[language]}")

    assert [(one.text, one.rule) for one in report.asked] == [(REQUESTS[language], "request for the user's word")]


@pytest.mark.parametrize("name", COURTESY)
def test_courtesy_asks_and_announces_nothing(name: str) -> None:
    report = read_report(f"{BUILT[name.split()[0]]} {COURTESY[name]}")

    assert (report.asked, report.announced, report.asks_to_go_on) == ((), (), False)


@pytest.mark.parametrize("name", GO_ON)
def test_the_question_of_the_resume_protocol_is_known_and_not_kept(name: str) -> None:
    report = read_report(f"{BUILT[name.split()[0]]}\n\n{GO_ON[name]}")

    assert (report.asks_to_go_on, report.asked) == (True, ())


@pytest.mark.parametrize(
    ("answer", "options"),
    [
        pytest.param("Which flour?\n1. rye\n2. **spelt**", ("rye", "spelt"), id="numbered after"),
        pytest.param("Which flour?\n\n- rye\n- spelt", ("rye", "spelt"), id="bullets after"),
        pytest.param(
            "Which flour?\nA) rye\nB) spelt\n\nI would take rye.", ("rye", "spelt"), id="letters, advice after"
        ),
        pytest.param("## Which flour?\n- rye\n- spelt", ("rye", "spelt"), id="under a heading"),
        pytest.param("1. rye\n2. spelt\n\nWhich flour?", ("rye", "spelt"), id="numbered before"),
        pytest.param(
            "| of | kg |\n|--|--|\n| rye | 2 |\n| oat | 3 |\n\nWhich flour?", ("rye · 2", "oat · 3"), id="table"
        ),
    ],
)
def test_a_question_is_kept_with_its_options(answer: str, options: tuple[str, ...]) -> None:
    assert asked(answer) == [("Which flour?", options)]


def test_bullets_before_a_question_are_what_was_done() -> None:
    assert asked("I labelled these:\n- rye\n- spelt\n\nWhich of the loaves shall I label next?") == [
        ("Which of the loaves shall I label next?", ())
    ]


def test_a_request_is_kept_with_its_options() -> None:
    assert asked("Please choose the flour for the rolls:\n1. rye\n2. spelt") == [
        ("Please choose the flour for the rolls:", ("rye", "spelt"))
    ]


def test_a_bare_question_is_kept_with_the_sentence_before_it() -> None:
    assert asked("The oven is built. The rye needs a label. Ok?") == [
        ("The oven is built. The rye needs a label. Ok?", ())
    ]
    assert asked("The oven is built. The loaf in `rye.py` needs a label. Ok?") == [
        ("The loaf in `rye.py` needs a label. Ok?", ())
    ]


def test_several_questions_each_have_their_own_options() -> None:
    assert asked("Which flour shall we take?\n- rye\n- spelt\n\nWhich oven is the right one?\n- gas\n- steam") == [
        ("Which flour shall we take?", ("rye", "spelt")),
        ("Which oven is the right one?", ("gas", "steam")),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("Why did it fail? The door was open. The fire was out. It was wet. I fixed it.", id="answered"),
        pytest.param("Why did it fail?\n" + "\n".join(f"Line {n}." for n in range(30)), id="far from the end"),
        pytest.param("```\nreally?\n```\nFixed.", id="in code"),
        pytest.param("Call `ok?` and see https://x.test/?q=1", id="in a link"),
        pytest.param("Please confirm the price. The till is new. The oven is hot. The bell is red.", id="far off"),
    ],
)
def test_rhetoric_asks_nothing(answer: str) -> None:
    assert asked(answer) == []


# ---- what did not work, what was found out, what is left

FAILED = {
    "en": "The steam oven was too slow for the rolls.",
    "en worked": "The steam oven didn't work for the rolls.",
    "de": "Der Dampfofen war für die Brötchen zu langsam.",
    "fr": "Le four à vapeur était trop lent pour les petits pains.",
    "es": "El horno de vapor no funcionó con los panecillos.",
    "pt": "O forno a vapor não funcionou com os pãezinhos.",
    "it": "Il forno a vapore non ha funzionato con i panini.",
    "ru": "Паровая печь с булками не справилась.",
    "ja": "蒸気の窯は丸パンではうまくいきませんでした。",
    "zh": "蒸汽烤箱烤小面包行不通。",
    "ko": "증기 오븐은 롤빵에 통하지 않았습니다.",
}
CAUSES = {
    "en": "The fire went out because the sensor was wet.",
    "de": "Das Feuer ging aus, weil der Sensor nass war.",
    "fr": "Le feu s'est éteint parce que le capteur était mouillé.",
    "es": "El fuego se apagó porque el sensor estaba mojado.",
    "pt": "O fogo apagou porque o sensor estava molhado.",
    "it": "Il fuoco si è spento perché il sensore era bagnato.",
    "ru": "Огонь погас из-за мокрого датчика.",
    "ja": "火が消えた原因は濡れたセンサーでした。",
    "zh": "火灭了的原因是传感器湿了。",
    "ko": "불이 꺼진 원인은 젖은 센서였습니다.",
}
DOUBTS = {
    "en": "The steam valve is not tested yet.",
    "en could not": "I couldn't verify the steam valve here.",
    "de": "Das Dampfventil ist noch nicht getestet.",
    "fr": "La vanne de vapeur n'est pas encore testée.",
    "es": "La válvula de vapor está sin probar.",
    "pt": "A válvula de vapor não foi testada.",
    "it": "La valvola del vapore non è ancora testata, da verificare.",
    "ru": "Паровой клапан пока не проверен.",
    "ja": "蒸気の弁は未検証です。",
    "zh": "蒸汽阀还没测试。",
    "ko": "증기 밸브는 아직 확인하지 못했습니다.",
}


@pytest.mark.parametrize("name", FAILED)
def test_what_is_told_to_have_failed_is_a_dead_end(name: str) -> None:
    report = read_report(f"{BUILT[name.split()[0]]} {FAILED[name]}")

    assert [(quote.text, quote.rule) for quote in report.dead_ends] == [(FAILED[name], "failure told in the answer")]


@pytest.mark.parametrize("name", CAUSES)
def test_what_is_told_to_be_the_cause_is_a_finding(name: str) -> None:
    report = read_report(f"{BUILT[name]} {CAUSES[name]}")

    assert (texts(report.findings), report.dead_ends) == ([CAUSES[name]], ())


@pytest.mark.parametrize("name", DOUBTS)
def test_what_is_told_to_be_unproved_is_a_loose_end(name: str) -> None:
    report = read_report(f"{BUILT[name.split()[0]]} {DOUBTS[name]}")

    assert (texts(report.loose_ends), report.dead_ends) == ([DOUBTS[name]], ())


def test_a_dead_end_that_names_what_was_tried_weighs_more() -> None:
    report = read_report("I wrote `SteamOven` first. That made things worse. The gas oven was too slow.")

    assert report.dead_ends == (
        Quote("I wrote `SteamOven` first. That made things worse.", "failure told in the answer", 2.0, ("steamoven",)),
        Quote("The gas oven was too slow.", "failure told in the answer", 1.0),
    )


def test_what_is_denied_of_something_with_a_name_is_a_dead_end_and_a_cause_is_none() -> None:
    assert texts(read_report("`SteamOven` does not take trays.").dead_ends) == ["`SteamOven` does not take trays."]
    assert texts(read_report("Because `SteamOven` has no door, I added one.").dead_ends) == []


@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param("Next I will look into why the build fails.", id="announced"),
        pytest.param("Did the steam oven fail?", id="asked"),
        pytest.param("All loaves rose with 0 failures.", id="none failed"),
        pytest.param("It failed.", id="too short"),
    ],
)
def test_what_is_announced_asked_or_denied_is_no_dead_end(sentence: str) -> None:
    assert read_report(f"The oven is built. {sentence}").dead_ends == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("The steam oven fails. Let me try gas instead.", ["The steam oven fails."], id="another way next"),
        pytest.param(
            "Steam is too slow, I switch to gas.", ["Steam is too slow, I switch to gas."], id="same sentence"
        ),
        pytest.param("`SteamOven` won't work with trays.", ["`SteamOven` won't work with trays."], id="leads nowhere"),
        pytest.param("The steam oven fails. The door is shut.", [], id="only an error"),
        pytest.param("Maybe `SteamOven` won't work with trays.", [], id="a guess"),
    ],
)
def test_before_the_end_of_a_turn_only_what_is_given_up_is_a_dead_end(text: str, found: list[str]) -> None:
    quotes = dead_ends_in(parts_of(text), set(), closing=False)

    assert texts(quotes) == found
    assert {quote.rule for quote in quotes} <= {"failure told before another way was taken"}


def test_findings_come_by_weight_and_a_guess_or_plan_weighs_less() -> None:
    answer = (
        "The label in `label.py` is red now.\nThe oven stops since `heat.py` is empty.\n"
        "Maybe the bell rings because of `bell.py`.\nThe root cause is a wet sensor in `sensor.py`, as 30 loaves show."
    )

    assert texts(read_report(answer).findings) == [
        "The root cause is a wet sensor in `sensor.py`, as 30 loaves show.",
        "The oven stops since `heat.py` is empty.",
        "Maybe the bell rings because of `bell.py`.",
        "The label in `label.py` is red now.",
    ]


FINDING = "The oven stops because `heat.py` is empty now."


@pytest.mark.parametrize(
    ("answer", "more"),
    [
        pytest.param(FINDING.replace("The oven", "**The oven**"), True, id="bold"),
        pytest.param("The oven stops because `heat.py` failed now.", True, id="a failure"),
        pytest.param("The oven stops because `heat.py` exists already.", True, id="the state of things"),
        pytest.param("The oven stops because `heat.py` is 120 bytes.", True, id="a figure"),
        pytest.param("The oven stops because `heat.py` is this:", False, id="ends in a colon"),
        pytest.param("Perhaps the oven stops because `heat.py` is empty.", False, id="a guess"),
        pytest.param("Next I will see that the oven stops because `heat.py` is empty.", False, id="announced"),
        pytest.param(FINDING.replace("now", "so " * 90), False, id="too long"),
    ],
)
def test_a_finding_weighs_more_or_less_by_what_speaks_for_it(answer: str, more: bool) -> None:
    plain, other = (findings_in(parts_of(text), set(), closing=True)[0].weight for text in (FINDING, answer))

    assert (other > plain, other < plain) == (more, not more)


def test_right_after_a_failure_a_finding_weighs_more() -> None:
    parts = parts_of("The oven stops because `heat.py` returns None.")
    before, after = (
        findings_in(parts, set(), closing=False, after_failure=failed)[0].weight for failed in (False, True)
    )

    assert after == before + 0.5


@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param("Because it rained.", id="too short"),
        pytest.param("Did it stop because of `heat.py` again?", id="asked"),
        pytest.param("Please confirm the price because of `till.py`.", id="request"),
        pytest.param("Next I will look into what the bell does.", id="announced"),
        pytest.param("The loaves are brown and warm and good.", id="neither name nor cause"),
    ],
)
def test_what_says_nothing_of_the_matter_is_no_finding(sentence: str) -> None:
    assert read_report(f"The oven is built. {sentence}").findings == ()


def test_doubts_voiced_in_passing_are_loose_ends() -> None:
    answer = "It builds. The migration is untested on Postgres 12 so far. Critical Day 1 task: verify the fee table."

    assert texts(read_report(answer).loose_ends) == [
        "The migration is untested on Postgres 12 so far.",
        "Critical Day 1 task: verify the fee table.",
    ]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        pytest.param("Done:\n- [x] the small till\n- [ ] the small bell", ["the small bell"], id="not ticked"),
        pytest.param("State:\n- the small till\n- ⚠️ the small bell", ["⚠️ the small bell"], id="marked"),
        pytest.param(
            "## Known issues\n- It does not ring\n- It is so blue", ["It does not ring"], id="under what is wrong"
        ),
        pytest.param("## Done\n- It does not ring any more\n- It is so blue", [], id="under another heading"),
    ],
)
def test_list_items_that_are_open_or_wrong_are_loose_ends(answer: str, found: list[str]) -> None:
    assert texts(read_report(answer).loose_ends) == found


def test_what_is_of_one_kind_is_of_no_other() -> None:
    answer = (
        "Steam was too slow because `SteamOven` has one tray. The valve is not tested yet.\n\n"
        "Next I will wire the till. Shall the till round to five cents?"
    )
    report = read_report(answer)

    assert (texts(report.announced), [one.text for one in report.asked]) == (
        ["Next I will wire the till."],
        ["Shall the till round to five cents?"],
    )
    assert (texts(report.dead_ends), texts(report.findings), texts(report.loose_ends)) == (
        ["Steam was too slow because `SteamOven` has one tray."],
        [],
        ["The valve is not tested yet."],
    )


# ---- the whole


def test_the_outcome_is_the_first_sentence_with_the_first_that_names_something() -> None:
    assert read_report("Done! It is hot. The fire is in `oven.py`.").outcome == (
        "Done! It is hot. The fire is in `oven.py`."
    )
    assert read_report("`oven.py` is hot. The fire is in `fire.py`.").outcome == "`oven.py` is hot."


def test_only_prose_counts_as_sentences() -> None:
    assert read_report("# Oven\n\nIt is hot. Good.\n- a first item\n```\ncode here\n```\n| a | b |").sentences == 1


def test_a_report_names_what_its_text_does_but_for_code() -> None:
    assert read_report("It is in `oven.py`.\n- and in `till.py`\n```\nimport bell_py\n```").names == (
        "oven.py",
        "till.py",
    )


def test_of_a_very_long_answer_beginning_and_end_are_read() -> None:
    answer = "The oven is built.\n" + "It is hot here.\n" * 2000 + "Next I will wire the till."
    report = read_report(answer)

    assert (report.outcome, texts(report.announced)) == ("The oven is built.", ["Next I will wire the till."])


def test_an_empty_answer_says_nothing() -> None:
    assert read_report("") == read_report("```\ncode\n```") == Report()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Now the sensor.\nI'll read `sensor.py`.", "I'll read `sensor.py`."),
        ("I'll read it. Ok?", "I'll read it."),
        ("Ok", ""),
        ("```\ncode\n```", ""),
    ],
)
def test_the_last_words_are_the_last_sentence_that_tells(text: str, words: str) -> None:
    assert last_words(text) == words


SENTENCES = st.sampled_from(
    [*AHEAD.values(), *QUESTIONS.values(), *REQUESTS.values(), *FAILED.values(), *CAUSES.values(), *DOUBTS.values()]
)
LINES = st.one_of(
    SENTENCES, st.text(max_size=80), st.sampled_from(["## Next steps", "```", "- ", "1. rye", "| a | b |"])
)


@settings(max_examples=100, deadline=None)
@given(st.lists(LINES, max_size=30))
def test_any_answer_is_read_into_a_few_short_lines(lines: list[str]) -> None:
    report = read_report("\n".join(lines))
    quotes = [*report.announced, *report.dead_ends, *report.findings, *report.loose_ends]

    assert len(report.announced) <= 3
    assert max(map(len, (report.asked, report.dead_ends, report.findings, report.loose_ends))) <= 4
    assert all(quote.text and quote.rule and len(quote.text) <= 300 for quote in quotes)
    assert all(one.text and one.rule and len(one.text) <= 300 and len(one.options) <= 6 for one in report.asked)
