"""Answers of an assistant, for the tests that read them."""

from __future__ import annotations

from carryover.distill.language.prose import Quote

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

TRIED = {
    "en": "I gave `SteamOven` a try, but it doesn't take trays.",
    "de": "Ich habe `SteamOven` ausprobiert, er nimmt keine Bleche.",
    "fr": "J'ai essayé `SteamOven`, il ne prend pas les plaques.",
    "es": "Probé `SteamOven`, pero no lleva bandejas.",
    "pt": "Testei `SteamOven`, mas não aceita tabuleiros.",
    "it": "Ho provato `SteamOven`, ma non prende le teglie.",
    "ru": "Попробовал `SteamOven`, он не берёт противни.",
    "ja": "`SteamOven` を試しましたが、天板が入らないです。",
    "zh": "试了 `SteamOven`，它放不下烤盘。",
    "ko": "`SteamOven`을 시도했지만 쟁반이 들어가지 않았습니다.",
}
"""What was tried, and what is denied of it."""

FOUND_BROKEN = {
    "en": "The failure of `valve.py` is pre-existing.",
    "en place": "`steamctl` is not installed on this machine.",
    "de": "Auf `valve.py` habe ich hier keinen Zugriff auf den Dampf, schon vorher kaputt.",
    "fr": "L'échec de `valve.py` est préexistant.",
    "es": "El fallo de `valve.py` es preexistente.",
    "pt": "A falha de `valve.py` é preexistente.",
    "it": "Il guasto di `valve.py` è preesistente.",
    "ru": "Ошибка в `valve.py` была и до этого.",
    "ja": "`valve.py` の失敗は既存の問題です。",
    "zh": "`valve.py` 的失败是已有的问题。",
    "ko": "`valve.py` 실패는 기존 문제입니다.",
}
"""What the work met and did not change."""


def texts(quotes: tuple[Quote, ...]) -> list[str]:
    return [quote.text for quote in quotes]
