"""The word lists of all languages, one table per concept.

Nothing outside this file depends on the words of one language, so that the lists can be judged, extended and, for a
measurement, switched off in one place (`Concept.search`). The rules that use them decide by evidence first: what the
agent did, where a sentence stands, what it shares with others. The lists hold grammar (negation, obligation, cause,
time) rather than phrases: closed classes that a language does not extend.

English, German, French, Spanish, Portuguese, Italian, Russian, Japanese, Chinese and Korean are covered.
"""

from __future__ import annotations

from typing import Final

from carryover.distill.language.concept import Concept

NEGATION: Final = Concept(
    en=r"""not | no | never | none | neither | nor | nothing | cannot | can't | cant | won't | wont | don't | dont
    doesn't | doesnt | didn't | didnt | isn't | isnt | aren't | wasn't | weren't | hasn't | haven't | hadn't
    shouldn't | wouldn't | couldn't | mustn't | without | nope""",
    de=r"nicht | kein\w{0,2} | nie | niemals | nichts | ohne | weder",
    fr=r"ne | n'\w+ | pas | jamais | aucune? | sans | ni | rien",
    es=r"no | nunca | jamás | ning[uú]n[oa]? | sin | nada | tampoco",
    pt=r"não | nao | nunca | jamais | nenhuma? | sem | nada",
    it=r"non | mai | nessun[oa]? | senza",
    ru=r"не | ни | нет | нельзя | никогда | никак\w* | без | ничего | нечего",
    ja=r"ない | ません | ず[にはが。、] | ずに | 無し | なし | 不要 | 禁止 | [うくぐすつぬぶむる]な[。！!]?$",
    zh=r"不 | 没 | 沒 | (?<![特分类级区个识辨差])别(?![的人处名]) | 別 | 勿 | 无 | 無 | 未 | 莫",
    ko=r"(?<![가-힣])(?:안|못)(?=\s) | 않 | 없 | 지 ?마(?=$|[\s.,!]|세요|십시오|라|요|시) | 말고 | 말아 | 말 것 | 금지 | 아니",
)
"""Something is denied or forbidden."""

OBLIGATION: Final = Concept(
    en=r"""must | always | only | should | shall | has to | have to | needs? to | ought to | required? | mandatory
    make sure | ensure | at (?:most|least) | no (?:more|less|fewer) than | strictly | whatever happens
    from now on | in any case | everywhere | throughout | each time | every time | (?:stays?|remains?) (?:exactly |just |as |in |out |where |untouched|unchanged|the same|put|free|local|private|compatible|under|below|within)\S* | stick (?:to|with)
    keep(?:s|ing)? | prefer\w* | rather | instead | except | unless | as (?:it )?(?:is|was) | untouched | unchanged
    allowed | off[- ]limits | avoid | let's not | leave .{1,60} (?:alone|as (?:it|they) (?:is|are)|out) | hands off
    limit(?:ed)? to | within | up to | under \W?\d\S* | below \W?\d\S* | maximum | minimum | max\.? | min\.?
    by (?:mon|tues|wednes|thurs|fri|satur|sun)day | nothing (?:but|newer|older|more|else|that|fancy|beyond|bigger|longer) | compatible | as \w+ as possible | ideally | remember | (?:bear|keep) in mind | whatever you do | important\w* | we (?:only|can't|cannot|can only|never) | nobody | no one | everything (?:in|has|goes|should|must) | throughout | whole thing | nowhere | on no account | capped? at | at a (?:maximum|minimum) | no matter what""",
    de=r"""muss | müssen | musst | müsst | immer | nur | ausschließlich | soll(?:te|ten|en|st|t)? | darf\w* | dürfen
    unbedingt | auf (?:keinen|jeden) fall | höchstens | mindestens | maximal | minimal | bleib(?:t|en|st)? (?:\w+ )?(?:so|wie|gleich|unverändert|unberührt|bei|in|unter|drin|draußen)
    statt | anstatt | stattdessen | lieber | außer | bevorzug\w* | vermeide\w* | überall | durchgehend | ab jetzt | ab sofort
    unter \d+ | bis zu | bis spätestens | so wie (?:es|sie|er) ist | verboten | erlaubt | behalte\w* | lass .{1,60} so | wichtig | möglichst | kompatibel | denk dran | beachte | achte darauf | egal was | nirgends | niemand | alles (?:in|muss|soll|auf) | keinesfalls | nicht mehr als | so \w+ wie möglich""",
    fr=r"""doi(?:t|s|vent) | doivent | devr(?:ait|aient|a|ont) | toujours | seulement | uniquement | exclusivement | il faut
    faut | obligatoire\w* | au (?:plus|moins|maximum|minimum) | maximum | minimum | reste(?:nt|r|ra)? (?:tel\w*|comme|en|inchangé\w*|à|sous|dans)
    garde[rz]? | plutôt | au lieu d\S* | sauf | évite[rz]? | interdit\w* | partout | désormais | à partir de maintenant
    préfér\w* | de préférence | strictement | tel(?:le)?s? quel(?:le)?s? | sous \d+ | important\w* | compatible\w* | (?:le|la|les) (?:plus|moins) \w+ possible | n'oublie pas | attention | que (?:ça|ce|tout|le|la|l'\w+) \w*(?:soit|reste|marche|puisse|tienne|fonctionne) | je veux que | nulle part | personne | en aucun cas | (?:on )?ne peut (?:\w+ )?(?:avoir|être|dépasser|y avoir) | tout (?:en|doit) | pas plus de""",
    es=r"""deb(?:e|en|es|ería\w*|erá\w*) | siempre | solo | sólo | solamente | únicamente | hay que | tiene[ns]? que
    obligatori\w+ | como (?:máximo|mínimo|mucho) | máximo | mínimo | al menos | mant(?:én|ener|enga\w*)
    (?:que|debe|tiene que) qued\w+ | se queda(?:n)? como | prefier\w+ | preferi\w+ | mejor | en (?:vez|lugar) de | salvo | excepto | menos | evit\w+
    prohibid\w+ | en todas? partes | a partir de ahora | tal (?:y )?como est[áa]\w* | menos de \d+ | estrictamente | hace falta | importante | compatible\w* | lo más \w+ posible | recuerda | ten en cuenta | ojo | quiero que | que (?:sea|esté|quede|vaya|funcione|tenga|siga|pueda|valga)\w* | nadie | en ningún caso | todo (?:en|debe|tiene) | nada de""",
    pt=r"""dev(?:e|em|eria\w*) | sempre | só | somente | apenas | tem que | precisa\w* | no (?:máximo|mínimo)
    prefir\w+ | em vez de | exceto | evit\w+ | mant(?:enha|er|ém)\w*""",
    it=r"""dev(?:e|ono|i|rebbe\w*) | sempre | solo | soltanto | bisogna | al (?:massimo|minimo) | invece | tranne | evit\w+
    preferi\w+ | mantien\w+""",
    ru=r"""долж(?:ен|на|но|ны) | нужно | надо | необходимо | обязательно | следует | всегда | только | лишь | исключительно
    строго | максимум | минимум | не (?:более|больше|менее|меньше) | хотя бы | пусть | оставь\w* | остав\w+ся
    остаё?тся | вместо | кроме | лучше | предпочт\w+ | предпочита\w+ | избега\w+ | запрещен\w* | запрещено | везде
    отныне | впредь | теперь всегда | как есть | без изменений | чтобы | важно | имей(?:те)? в виду | учти(?:те)? | помни(?:те)? | никто | ни в коем случае | совместим\w+ | как можно \w+ | по возможности | всё (?:должно|на) | нигде""",
    ja=r"""必ず | 絶対 | 常に | いつも | だけ | のみ | しか | べき | なければ | なきゃ | 必要がある | 必須 | 限り | 以内 | 以下 | 以上
    まで(?:に|で) | まま | 代わりに | かわりに | ではなく | じゃなく | 以外 | 優先 | 避け | 厳守 | 全て | すべて | 統一 | 固定
    てください$ | 禁止 | ほうがいい | 方がいい | にして(?:ほしい|欲しい|ください) | でお願い""",
    zh=r"""必须 | 必須 | 一定 | 务必 | 總是 | 总是 | 始终 | 只 | 仅 | 僅 | 应该 | 应当 | 應該 | 需要 | 要求 | 得[是用] | 至少 | 至多 | 最多 | 最少
    不超过 | 以内 | 之内 | 保持 | 保留 | 而不是 | 代替 | 改用 | 除了 | 除非 | 避免 | 禁止 | 严格 | 统一 | 全部 | 所有 | 优先 | 尽量
    原样 | 不变 | 从现在起 | 以后都 | 都要 | 都得 | 宁可 | 最好""",
    ko=r"""반드시 | 꼭 | 항상 | 언제나 | 늘 | (?<![지다그\d])만(?= |[.,!]|$) | 만으로 | 만을 | 야 ?(?:해|한다|합니다|하|돼|된다|됩니다) | 필수 | 필요 | 최대 | 최소 | 이내 | 이하 | 이상(?=[ 으이의을은도,.]|$)
    그대로 | 유지 | 대신 | 말고 | 제외 | 외에 | 빼고 | 피하 | 피해 | 금지 | 엄격 | 모두 | 전부 | 우선 | 되도록 | 가급적 | 통일 | 앞으로""",
)
"""Something is required, preferred, bounded or to stay as it is."""

STANDING: Final = Concept(
    en=r"""(?<!\bis )(?<!\bare )(?<!\bwas )(?:never|always)(?! \w*[^s]s\b) | must(?:n't| not)? | (?<!\bi )(?<!\bthey )(?<!\bthese )(?<!\bthose )(?<!\ws )(?:do not|don't|dont) | under no circumstances | from now on | no longer
    no (?:more|new|other) \w+ | only | in no case | at all times | (?:i|we)(?:'ve| have| had)? (?:already )?(?:asked|told) you | going forward | for (?:all )?the rest | (?:rule|principle|requirement|constraint|convention)s?(?=[^.:]{0,40}:)""",
    de=r"niemals | nie | immer | (?<!t )(?<!habe )(?<!haben )(?<!sind )(?<!sehe )(?<!finde )kein\w{0,2} | (?<!t )(?<!sich )nicht mehr | auf keinen fall | muss | müssen | nur | ich (?:habe?|hatte) (?:dir|dich) (?:doch |schon )?(?:gesagt|gebeten) | ab (?:jetzt|sofort|heute) | künftig | in zukunft | (?:regel|grundsatz|vorgabe|bedingung)(?=[^.:]{0,40}:)",
    fr=r"jamais | toujours | (?:^|[.,;:!] ?|(?:et|mais|donc|surtout|on|tu|vous) )(?:ne |n')\w.{0,40} (?:pas|plus|jamais|que) | (?:^|[.,;:!] ?)(?:aucune?|pas de) | doi(?:t|vent) | il faut | je t'ai (?:dit|demandé) | désormais | dorénavant | à partir de maintenant | pour (?:toute )?la suite | (?:règle|principe|consigne|contrainte)s?(?=[^.:]{0,40}:)",
    es=r"nunca | jamás | siempre | no (?:uses|toques|cambies|hagas|pongas|metas|quiero|hay que) | (?<!hay )(?<!veo )(?<!tengo )(?<!tiene )(?<!muestra )ning[uú]n[oa]? | debe[ns]? | hay que | te (?:dije|pedí) | (?:de|a partir de) ahora(?: en adelante)? | en adelante | (?:regla|principio|norma|condición)(?=[^.:]{0,40}:)",
    pt=r"nunca | sempre | (?:^|[.,;:!] ?|(?:e|mas|por favor) )não (?:\w+ )?\w+(?:e|a|em|am|ar|er|ir) | nenhuma? | deve[m]? | (?:de|a partir de) agora(?: em diante)? | daqui em diante | (?:regra|princípio|norma|condição)(?=[^.:]{0,40}:)",
    it=r"mai | sempre | non \w+(?:ate|ete|ite|(?:ar|er|ir)(?:e|l[aeio])) | (?:^|[.,;:!] ?)nessun[oa]? | deve | devono | d'ora in (?:poi|avanti) | da (?:ora|adesso) in poi | (?:regola|principio|condizione)(?=[^.:]{0,40}:)",
    ru=r"никогда | всегда | нельзя | никак\w+ | не \w+(?:й|йте|ь|ьте) | только(?! что| тогда| потом) | долж(?:ен|на|но|ны) | обязательно | я (?:же )?(?:тебя |вас )?(?:уже )?(?:просил[аи]?|говорил[аи]?) | отныне | впредь | с этого момента | на будущее | (?:правило|принцип|условие|требование)(?=[^.:]{0,40}:)",
    ja=r"絶対 | 必ず | 常に | しないで | ないで(?:ください|ほしい|下さい|$) | 禁止 | だけ | のみ | なければ | 厳守 | 今後(?:は|も) | 原則 | (?:ルール|方針|約束)(?=.{0,20}[：:])",
    zh=r"不要 | 不能 | 不得 | 不许 | 不准 | (?<![特分类级区个识辨差])别(?![的人处名]) | 必须 | 务必 | 禁止 | (?<!不)一定(?!程度|的) | 只能 | 绝不 | 永远 | 今后 | 以后(?=都|不|要|每) | 从现在(?:起|开始) | (?:规则|原则|要求)(?=.{0,20}[：:])",
    ko=r"지 ?마(?=$|[\s.,!]|세요|십시오|라|요|시) | 말아 | 말 것 | 반드시 | 절대 | 항상 | 꼭 | 금지 | (?:면|서는|선) ?안 ?[돼됩된] | (?<![지다그\d])만(?= ) | 앞으로(?:는|도)? | (?:이제|지금)부터 | (?:규칙|원칙)(?=.{0,20}[：:])",
)
"""An order or ban meant to last, rather than a passing choice."""

CHOICE: Final = Concept(
    en=r"""use | prefer | keep | stick (?:to|with) | go with | choose | name (?:it|the|this) | call it | rename | instead of
    rather than | make sure | ensure | i(?:'d| would)? (?:like|want|prefer) (?:it|them|this|that|the)""",
    de=r"verwende\w* | benutze\w* | nimm | nehmen | bleib(?:en)? bei | statt | lieber",
    fr=r"utilise[rz]? | prends | prenez | garde[rz]? | au lieu d\S* | plutôt",
    es=r"usa\w* | utiliza\w* | mant[eé]n\w* | en (?:vez|lugar) de | mejor",
    ru=r"использу\w+ | бери | возьми | оставь\w* | вместо | лучше | не нрав[ия]тся | хочу,? чтобы",
    ja=r"使って | 使い | 代わりに | にして | でお願い",
    zh=r"(?<!不)(?:请|要|就|都|改|应|只)用 | 用.{1,20}(?:代替|而不) | 改用 | 采用 | 换成 | 保留",
    ko=r"사용해 | 사용하 | 쓰(?:지|도록) | 대신 | (?:으)?로 (?:해|바꿔|통일)",
)
"""A preference between ways."""

LASTS_BRIEFLY: Final = Concept(
    en=r"for now | for today | this time | just this once | in this session | until (?:we|i|you) | for the moment | today only",
    de=r"erst ?mal | fürs erste | (?<!ab )heute | diesmal | vorerst | vorläufig | in dieser sitzung",
    fr=r"pour l'instant | pour le moment | aujourd'hui | cette fois",
    es=r"por ahora | de momento | por hoy | esta vez",
    pt=r"por enquanto | por agora | desta vez",
    it=r"per ora | per adesso | stavolta",
    ru=r"пока(?: что)? | на сегодня | в этот раз | на этот раз",
    ja=r"とりあえず | 今回は | 今は | 今日は | いったん | 一旦",
    zh=r"暂时 | 这次 | 今天先 | 目前先",
    ko=r"일단 | 당분간 | 이번에는 | 이번만 | 오늘은",
)
"""A rule is said to hold for a while only."""

AHEAD: Final = Concept(
    en=r"""next | then | afterwards? | after (?:that|this) | once (?:that|this|it)\b | later on | subsequently | from here
    i(?:'ll| will|'m going to| am going to|'m about to|'m moving| am moving|'m turning| am turning| plan to| intend to| still (?:need|have) to)
    we(?:'ll| will|'re going to| still (?:need|have) to| can (?:now|then|next)) | let me(?! know) | now (?:for|to|on to|i|let's) | ^now (?:add|build|change|check|create|fix|make|move|replace|run|test|update|wire|write)
    going to | about to | ready (?:to|for) | remaining | remains | what(?:'s| is) left | left to do | left (?:is|are) | to ?do | outstanding
    still (?:needs?|has|have|to|missing|open|pending) | up next | follow-?ups? | pending | continu(?:e|ing) with | moving on
    on (?:my|the) list | coming up | comes? (?:now|after) | plan is to""",
    de=r"""als nächstes? | nächste[rsnm]? | danach | anschließend | dann | daraufhin | im anschluss | (?:jetzt|nun|gleich) (?:gehe|mache|nehme|kommt|folgt|kümmere|wende|werde|fange|schaue|prüfe|setze|baue|schreibe) | (?:gehe|mache|nehme|kommt|folgt|fange|schaue|prüfe|wende|kümmere) (?:ich )?(?:\w+ )?(?:jetzt|nun|gleich)
    sobald | ich (?:werde|will|gehe|mache|nehme|kümmere|wende|setze|fange|beginne|schaue|prüfe|baue|schreibe|teste|starte|passe)
    kommt | folgt | steht (?:noch |jetzt |nun )?(?:an|aus) | bleibt | fehlt\w* | noch (?:offen|zu|aus\w*) | weiter (?:mit|geht)\S* | an der reihe | dran""",
    fr=r"""ensuite | puis | après (?:cela|ça|quoi|coup) | prochaine?s? | suivante?s? | maintenant,? (?:je|on|place|il reste) | je \w+ maintenant | désormais je
    je (?:vais|passe|m'\w+|continue|poursuis|commence|reprends|termine|compte) | nous allons | on (?:va|passe) | reste(?:nt)? (?:à|encore|donc)? | il (?:me )?reste | à faire
    une fois (?:que )?\w+ | \w{3,}(?:erai|irai|drai|rai)""",
    es=r"""luego | después | a continuación | siguientes? | próxim[oa]s? | ahora (?:voy|paso|toca|sigo|me|empiezo|queda|falta|viene) | (?:voy|paso|toca|sigo|empiezo) (?:\w+ )?ahora | acto seguido
    una vez (?:que )?\w+ | voy a | vamos a | paso a | pasaré | sigo con | seguiré | continúo | continuaré | empiezo | toca | queda(?:n|ría)? | falta(?:n|ría)? | pendientes? | por hacer | (?:seguiré|continuaré|pasaré|haré|iré|revisaré|añadiré|prepararé|escribiré|terminaré|corregiré|actualizaré|probaré|abordaré|empezaré|comprobaré|crearé|veré|dejaré|usaré|me ocuparé)""",
    pt=r"depois | em seguida | a seguir | próxim[oa]s? | agora (?:vou|falta|passo) | vou | vamos | falta(?:m)? | pendentes? | \w{3,}(?:arei|erei|irei)",
    it=r"poi | dopo | in seguito | prossim[oaie] | (?:ora|adesso) (?:vado|passo|resta|manca) | vado | passo a | resta(?:no)? | manca(?:no)? | \w{3,}(?:erò|irò)",
    ru=r"""далее | дальше | затем | потом | после (?:этого|чего) | следующ\w+ | (?:теперь|сейчас) (?:займ\w+|перейд\w+|перехожу|возьм\w+|сдела\w+|провер\w+|нач\w+|нужно|надо|буду|пойду|разбер\w+|посмотр\w+|берусь|приступ\w+) | осталось | оста[её]тся | предстоит | на очереди
    как только | (?:я )?(?:буду|собираюсь|планирую|намерен\w*) | перейд[уё]м? | займ[уё]сь | возьмусь | начну | приступ\w+ | продолж[уаи]\w* | \w{2,}(?:усь|юсь) | (?:сделаю|проверю|добавлю|исправлю|обновлю|напишу|запущу|посмотрю|вернусь|закончу|соберу|подготовлю|разберу|переделаю|перепишу|протестирую|допишу|доделаю|уберу|внесу|прогоню|настрою|создам|начнём|начнем|сделаем|проверим)""",
    ja=r"""次は | 次に | 次の | 次回 | 続いて | 続けて | これから | この後 | このあと | その後 | そのあと | あとは | 後は | 今から | 引き続き | 残り | 残って
    予定 | (?:に|を|へ)?(?:取り掛か|取りかか|着手|進み|移り|移行)\w* | していきます | ていきます | するつもり""",
    zh=r"接下来 | 接着 | 下一步 | 下一个 | 下一项 | 下步 | 然后 | 之后 | 随后 | 后续 | 稍后 | 现在(?:开始|来|去|我) | 我(?:会|将|要|准备|打算|来|再|这就|接着)(?!.{0,12}了[，,]) | 即将 | 还剩 | 剩下 | 剩余 | 待办 | 还需要? | 还要 | 准备 | 将会? | 轮到",
    ko=r"다음 | (?<![가-힣])이어서 | 이제 | 그다음 | 그 뒤 | 그 후 | 이후 | 나머지 | 남은 | 남았 | 곧 | 겠습니다 | 겠어요 | [을를]게요 | [가-힣]게요 | 예정 | 차례 | 하려고 | 할 것",
)
"""What is going to come: time adverbs and the first person's future."""

NEXT_HEADING: Final = Concept(
    en=r"next(?: \w+)? | next steps? | remaining(?: \w+)? | to ?do | todos? | what(?:'s| is) (?:next|left|missing) | still (?:open|to do|missing) | outstanding | follow-?ups? | pending | recommend\w* | suggest\w* | to (?:run|verify|test|try|finish) | you can now | roadmap",
    de=r"(?:nächste|weitere|mögliche|empfohlene|offene) \w+ | zu erledigen | noch (?:offen|zu tun|zu erledigen) | offen | ausstehend\w* | empfehlung\w* | vorschl\w+ | als nächstes",
    fr=r"prochaine?s? \w+ | étapes? (?:suivante?s?|possibles?) | à faire(?: \w+)? | reste à faire | suite | suggestions? | recommandations?",
    es=r"(?:próxim|siguient)\w+ \w+ | por hacer | pendientes? | quedan? por | falta\w* | sugerencias? | recomendaciones?",
    pt=r"próxim\w+ \w+ | a fazer | pendentes? | sugestões",
    it=r"prossim\w+ \w+ | da fare",
    ru=r"(?:следующ|дальнейш)\w+ \w+ | дальше | далее | что (?:дальше|осталось) | осталось | рекоменд\w+ | предлага\w+ | план",
    ja=r"次(?:の|に|は)?(?:ステップ|手順|作業|アクション|予定|やること)? | 今後 | 残(?:り|作業|タスク|件) | 未対応 | やること | 推奨 | 提案",
    zh=r"下一步 | 后续 | 接下来 | 待办 | 剩余 | 剩下 | 建议 | 未完成",
    ko=r"다음(?: 단계| 작업)? | 남은 | 향후 | 할 일 | 추천 | 제안",
)
"""The heading of a list of what is to come."""

CAUSE: Final = Concept(
    en=r"""because | since | due to | caused by | causes? | root cause | the (?:real |actual )?(?:reason|culprit|problem|issue|bug|cause|catch|bottleneck) (?:is|was|lies|turned out)
    turn(?:s|ed) out | it(?:'s| is| was) (?:actually|because) | that(?:'s| is| was) (?:why|what|where|how) | which is why | this (?:is|was) why | stems? from | comes? from | came from | boils down
    i (?:found|discovered|noticed|see now|now see) | found (?:that|out|the) | discovered | the real | in fact | actually | silently | explains? | responsible for | confirm(?:s|ed) | means that | leads? to | led to | triggered by | apparently | hence | therefore""",
    de=r"""weil | (?:^|(?<=, ))da(?= (?:der|die|das|es|ich|wir|er|sie|man|hier|ein\w*|kein\w*|diese\w*)\b) | denn | wegen | aufgrund | dadurch | deshalb | darum | daher | ursache | grund(?: war| ist)? | liegt (?:daran|an) | lag (?:daran|an) | schuld | verantwortlich | auslöser
    stell(?:t|te) sich heraus | herausgestellt | hat sich gezeigt | zeigt(?:e)? sich | tatsächlich | nämlich | eigentlich | gefunden | entdeckt | führt(?:e)? (?:dazu|zu) | kommt daher | stammt | stillschweigend | steckt""",
    fr=r"""parce qu\S* | car(?= (?:l[ea]s?|l'\w+|ce|c'\w+|cette|ces|il|elle|ils|on|un|une|je|tu|nous|son|sa|ses)\b) | puisqu\S* | à cause d\S* | en raison d\S* | dû à | due à | cause | raison | vient de | venait de | provient | provenait | provoqu\w+ | causé\w* | responsable
    il s'avère | il se trouve | s'est avéré | en fait | en réalité | j'ai (?:trouvé|découvert|constaté|remarqué) | c'est (?:pourquoi|pour ça|pour cela|ce qui) | d'où | explique\w* | silencieusement""",
    es=r"""porque | ya que | debido a | a causa de | causa | culpable | motivo | razón | viene de | venía de | proviene | provocad\w+ | provoca\w* | resulta que | resultó | en realidad | de hecho
    he (?:encontrado|descubierto|visto) | encontré | descubrí | por eso | por lo que | se debe a | se debía a | explica\w* | silencios\w+""",
    pt=r"porque | devido a | por causa | causa | motivo | vem de | vinha de | acontece que | na verdade | descobri | encontrei | por isso",
    it=r"perché | a causa | causa | motivo | dovuto a | viene da | si è scoperto | in realtà | ho (?:trovato|scoperto) | per questo",
    ru=r"""потому(?: что)? | поскольку | так как | из-за | причин\w+ | вызва\w+ | приводи\w+ | привод[ия]т | оказал\w+ | оказывается | выяснил\w+ | обнаруж\w+ | нашёл | нашел | нашла | дело в | виноват\w* | источник
    на самом деле | фактически | поэтому | значит | связан\w+ с | объясня\w+ | молча""",
    ja=r"""から(?:です|でした|。) | ため(?:です|でした|に|、|。)? | ので | 原因 | 理由 | せいで | によって | により | が判明 | 判明し | 分かりまし | わかりまし | と分かっ | とわかっ | 見つか | 実は | 実際 | 突き止め | 起因 | 由来 | 発見 | 確認できまし | (?:調べ|確認し|見)(?:たところ|てみると|ると、)""",
    zh=r"因为 | 由于 | 原因 | 导致 | 造成 | 引起 | 所以 | 因此 | 结果是 | 原来 | 其实 | 实际上 | 发现 | 查到 | 定位到 | 根源 | 问题(?:在于|出在|是) | 罪魁 | 来自 | 源于 | 怪不得 | 悄悄",
    ko=r"때문 | 원인 | 이유 | 탓 | 로 인해 | 으로 인해 | 덕분 | 알고 보니 | 사실 | 실제로 | 발견 | 밝혀 | 확인했 | 확인됐 | 찾았 | 였기 | 이었기 | 그래서 | 따라서 | 비롯",
)
"""Why something is as it is, or that it was found out."""

PROHIBITION: Final = Concept(
    en=r"""(?:^|[.,;:!—-] ?)(?:please )?(?:no(?!,| (?:matter|problem|worries|rush|idea|wait))|not|never|without) \w+
    (?:^|[.,;:!—-] ?|(?:please|and|but|you|we|so|also|just|then) )(?:do not|don't|dont|never) \w+
    (?:must not|mustn't|should not|shouldn't|may not|cannot be|can't be|needn't|must never|should never) \w+ | without (?:any|a|an|the|touching|changing|using|adding|breaking) \w+""",
    de=r"(?:^|[.,;:!] ?)(?:bitte )?(?:kein\w{0,2}|nicht|nie|niemals|ohne) \w+ | kein\w{0,2} \w+ | ohne \w+ | nicht (?:anfassen|ändern|anrühren|verwenden|benutzen|löschen|erwähnen|umbenennen|vergessen|länger|über)",
    fr=r"(?:^|[.,;:!] ?|(?:et|mais|donc|surtout) )(?:s'il te plaît,? )?(?:ne |n')\w+ (?:\w+ )?(?:pas|plus|jamais|rien) | (?:^|[.,;:!] ?)(?:pas|aucune?|jamais|plus) (?:de |d')?\w+ | surtout pas | (?:tu|on|vous|il) ne (?:dois|doit|devez|faut|veux) pas | sans (?!souci|problème)\w+ | en aucun cas",
    es=r"(?:^|[.,;:!¡] ?|(?:y|pero|por favor|así que) )no (?:lo |la |los |las |me |le |se )?\w+(?:es|as|s)(?!\w) | (?:^|[.,;:!] ?)(?:nunca|jamás|sin|ni|nada de|ning[uú]n[oa]?) \w+ | no (?:quiero|hay que|se (?:puede|debe|toca|usa)|debe|puede[sn]?) \w+ | sin (?!problema|duda|embargo)\w+",
    pt=r"(?:^|[.,;:!] ?|(?:e|mas|por favor) )não (?:\w+ )?\w+(?:e|a|es|as|em|am)(?!\w) | (?:^|[.,;:!] ?)(?:nunca|sem|nada de|nenhuma?) \w+ | não (?:quero|pode|deve|se) \w+ | sem (?!problema|dúvida)\w+",
    it=r"(?:^|[.,;:!] ?)(?:non|mai|senza|niente|nessun[oa]?) \w+ | senza \w+",
    ru=r"(?:^|[.,;:!—-] ?|(?:и|но|только|а|пожалуйста) )(?:не|без|ни|никак\w+|никогда|нельзя) \w+(?:й|йте|ь|ьте|ть|ться|вай|вайте|и|ите)(?!\w) | (?:^|[.,;:!—-] ?)(?:без|никак\w+|никогда|нельзя|ни) \w+ | нельзя | никаких",
    ja=r"しないで | ないで(?:ください|ほしい|下さい|$|。) | 禁止 | なし(?:で|に|。|$) | 無しで | 以外(?:は|の) | ないこと | ずに | [うくぐすつぬぶむる]な[。！!]?$",
    zh=r"不要 | 不能 | 不得 | 不许 | 不准 | 不可以 | 不用 | 不再 | (?<![特分类级区个识辨差])别[^的人处名] | 勿 | 禁止 | 不(?:使用|引入|改|动|加|碰|提|写|超过|包含|依赖)",
    ko=r"지 ?마(?=$|[\s.,!]|세요|십시오|라|요|시) | 지 ?말(?=고|아|것|도| 것) | 말아 | 말 것 | 말고 | 금지 | (?:면|서는|선) ?안 ?[돼됩된] | 없이 | 빼고 | 않(?:도록|게|았으면)",
)
"""Something is forbidden or left out, rather than said not to be so."""

FAILURE: Final = Concept(
    en=r"""fail(?:s|ed|ing|ure)? | did ?n[o']t (?:work|help|hold|fit|scale|pan out) | does ?n[o']t (?:work|help|hold|fit|scale) | never worked | no (?:good|luck|use) | dead[- ]end | blind alley | useless | hopeless | unusable | impossible | infeasible | unworkable
    g(?:a|i)ve(?:n|s)? up | giving up | abandon\w* | discard\w* | dropp?ed (?:it|that|this|the (?:idea|approach|plan|attempt)) | ditched | scrapp?ed | reject(?:ed)? | rul(?:ed|ing) out | ruled .{1,40} out | revert\w* | rolled back | undid | backed out | took .{1,40} (?:out|back) again
    broke(?:n)? | breaks | crash(?:es|ed)? | hangs? | hung | times? out | timed out | too (?:slow|big|large|expensive|fragile|coarse|noisy|many|much|long|heavy|inaccurate|unreliable) | not (?:viable|feasible|possible|suitable|an option|enough|good enough) | won't (?:work|do|help) | cannot (?:handle|be used) | can't (?:handle|be used|cope) | couldn't | unable to
    insufficient | incompatible | unsupported | in vain | to no avail | backfired | wrong (?:track|path|approach) | made (?:it|things|matters) worse | worse (?:than|off) | ran out of | out of memory | oom | killed | blocked by | rejects | refused | (?:went|goes|going|led|leads) nowhere | hit a wall | no[- ]go | chok\w+ on | f(?:alls|all|ell) (?:over|apart|short) | thr(?:ew|own) .{1,30} (?:away|out) | bailed | waste of time | not worth | unstable | unreliable | overkill | red herring | out of the question | not an option | had to (?:undo|revert|drop|back|remove|take) | did(?: not|n't) (?:pan|go|get|lead|turn|pay|solve|fix|make|cut)\w*""",
    de=r"""scheiter\w* | gescheitert | fehlgeschlagen | schl(?:ug|ägt|ugen) fehl | fehlschl\w+ | klappt\w* (?:so |leider |hier )?nicht | funktionier\w* (?:so |leider |hier |aber |damit )?nicht | nicht (?:funktioniert|geklappt|gebracht|getaugt|gereicht|möglich|brauchbar|geeignet|praktikabel|tragfähig) | ging (?:leider |so )?nicht | geht (?:leider |so )?nicht
    sackgasse | holzweg | erfolglos | vergeblich | unbrauchbar | untauglich | ungeeignet | unmöglich | nutzlos | aussichtslos | taugt\w* (?:\w+ )?nicht\w* | brachte? (?:\w+ )?nichts | bringt (?:\w+ )?nichts | verworfen | aufgegeben | aufgeben | zurückgenommen | rückgängig | fallen ?gelassen | raus(?:genommen|geworfen) | abgebrochen | abgestürzt | abst[uü]rz\w* | kaputt | bricht | brach | zu (?:langsam|groß|teuer|grob|ungenau|aufwendig|fehleranfällig|viel\w*|lang\w*|schwer\w*) | reicht\w* (?:\w+ )?nicht | half nicht | hilft nicht | verkraftet\w* (?:\w+ )?nicht | kam\w* (?:\w+ )?nicht weiter | (?:führt|führte|lief|läuft) (?:ins leere|zu nichts) | im sande? | wieder (?:ausgebaut|raus\w*|entfernt|verworfen) | zurück(?:gerollt|gedreht|gebaut|gesetzt) | stürzt\w* ab | hakt\w* | streikt\w* | überfordert\w* | fehlversuch | irrweg | zeitverschwendung | instabil | nicht weiter ?verfolgt | kein gangbarer""",
    fr=r"""échou\w+ | échec\w* | ne? (?:\w+ )?(?:marche|fonctionne|suffit|convient|tient|passe)\w* pas | n'a (?:pas|rien) (?:marché|fonctionné|donné|suffi|abouti|aidé|tenu|pu) | pas (?:marché|fonctionné|possible|viable|exploitable|tenable|concluant\w*) | impasse | sans (?:succès|résultat|issue) | en vain | inutilisable\w* | impossible\w* | inutile\w*
    abandonn\w+ | renonc\w+ | écarté\w* | rejeté\w* | annulé\w* | revenu\w* en arrière | retiré\w* | plante\w* | planté | casse\w* | cassé\w* | trop (?:lent|gros|lourd|cher|grossi|imprécis|fragile|long|compliqu)\w* | insuffisant\w* | incompatible\w* | fausse piste | mauvaise piste | voie sans issue | ne mène nulle part | n'(?:aboutit|a abouti|a mené|avance|a rien donné|accepte|arrive) | ne (?:mène|menait|supporte|supportait|passait|gère|gérait|donne|donnait|permet)\w* (?:pas|à rien|rien) | laissé tomber | machine arrière | marche arrière | instable\w* | peine perdue | coinc\w+ | bloqu\w+ | raté\w* | cul-de-sac | perte de temps | j'ai dû (?:retirer|annuler|revenir|renoncer|abandonner)""",
    es=r"""fall(?:ó|a|aba|ado|aron|an) | fracas\w+ | no (?:\w+ )?(?:funcion|sirv|bast|val|aguant|cup|resist|ayud|avanz|convenc)\w+ | no (?:dio|da|ha dado|llev\w+|fue posible|era posible|es posible|es viable|pudo|puede|va) | callejón sin salida | sin (?:éxito|resultado) | en vano | inútil\w* | inservible\w* | imposible\w* | inviable\w*
    abandon\w+ | descart\w+ | desech\w+ | rechaz\w+ | revert\w+ | deshic\w+ | deshech\w+ | dejé de lado | renunci\w+ | romp\w+ | se cae | se cayó | se cuelga | colg\w+ | demasiado \w+ | insuficiente\w* | incompatible\w* | vía muerta | no (?:hubo|había|hay) (?:manera|forma) | no (?:llev|conduj|aport|sopor|admit|acept|encaj|cuadr|compens|merec|alcanz|escal|mejor)\w+ | se qued(?:ó|aba|a) (?:corto|sin|a medias|colgad) | peor\w* | inestable\w* | lent[oa]s? | me rendí | choc(?:a|aba|ó) con | marcha atrás | vuelta atrás | lo quité | lo retiré | la retiré | se me resistió | pérdida de tiempo | mala idea""",
    pt=r"falh\w+ | fracass\w+ | não (?:funcion|serv|deu|ajud|bast)\w* | beco sem saída | em vão | inútil | impossível | inviável | abandon\w+ | descart\w+ | desist\w+ | revert\w+ | quebr\w+ | demasiado \w+ | muito lento | insuficiente",
    it=r"fallit\w+ | fallisc\w+ | non (?:funzion|ha funzion|basta|è bastat|regge|serve)\w* | vicolo cieco | invano | inutile | inutilizzabile | impossibile | abbandonat\w+ | scartat\w+ | annullat\w+ | rott\w+ | troppo \w+ | insufficiente",
    ru=r"""не (?:\w+ )?(?:сработал\w*|работает|работал\w*|помог\w*|помогает|подош[её]?л\w*|подходит|получил\w+|получается|вышл\w+|вышел|удал\w+|справ\w+|тянет|выдерж\w+|годит\w+|хват\w+|дал\w?|даёт|взлетел\w*|пошл\w|заработал\w*) | провал\w* | неудач\w+ | тупик\w* | тупиков\w+ | безуспешн\w+ | бесполезн\w+ | впустую | напрасн\w+ | невозможн\w+ | непригодн\w+ | отказал\w+ | отказыв\w+ | отбросил\w* | отброшен\w* | отверг\w* | забросил\w* | отменил\w* | откатил\w* | убрал\w* обратно
    сломал\w* | ломает\w* | упал\w* | падает | зависа\w+ | завис | вылет\w+ | слишком \w+ | недостаточ\w+ | несовместим\w+ | ошибочн\w+ путь | ни к чему | зашё?л в тупик | отказал\w+ | вернул\w* (?:обратно|назад|как было) | забраков\w+ | не прокат\w+ | не прошл?\w+ | захл[её]б\w+ | упира\w+ | упёрл\w+ | поэтому (?:убра\w+|отказ\w+|верну\w+|откат\w+|бросил\w*) | убра\w+ (?:е[ёго]+|это|их) | пришлось (?:откат|убрать|бросить|отказ|вернуть|отмен)\w* | без толку | нестабильн\w+ | хуже | неработ\w+ | не тян\w+ | отпал\w*""",
    ja=r"""失敗 | 駄目 | ダメ | だめ | 行き詰ま | 行き止まり | うまくい(?:か|きませ) | うまく(?:行|動)か | 動きませ | 動か[なず] | 動作しませ | 動作せず | 効果(?:が)?(?:なく|ありませ|なし) | 使えませ | 使えな | 使い物に | 不可能 | 不可 | できませんでした | できず | 断念 | 諦め | あきらめ | やめまし | 却下 | 撤回 | 取り下げ | 見送 | 元に戻し | 壊れ | 落ち(?:る|まし|て) | クラッシュ | 遅すぎ | すぎ(?:る|て|た|ます|まし) | 無理 | 耐えられ | 対応(?:でき|しておら|していな) | 役に立(?:た|ち) | 不十分 | 足りませ | 合いませ | 適しませ | 無駄 | 頓挫 | 挫折 | 捨て | やめた | ボツ | 詰まっ | 詰まり | 限界 | エラーにな | 不安定 | 見合わ | 効か | 効き | 無意味 | 空振り | 期待(?:どおり|通り)に | 回らな | 通りませ | 受け付け(?:な|ませ) | 外しました | 引き返""",
    zh=r"""失败 | 行不通 | 走不通 | 不行 | 不通 | 没用 | 无效 | 无济于事 | 不管用 | 不起作用 | 没起作用 | 没有(?:用|效果|成功|奏效) | 没能 | 未能 | 不奏效 | 不成功 | 死路 | 死胡同 | 不可行 | 不可用 | 不适合 | 不合适 | 放弃 | 弃用 | 否决 | 排除了 | 撤销 | 回退 | 撤回 | 崩溃 | 报错 | 卡死 | 超时 | 太慢 | 太大 | 太贵 | 太(?:脆弱|粗|重|长|多) | 撑不住 | 扛不住 | 处理不了 | 应付不了 | 不支持 | 不兼容 | 不够 | 白费 | 徒劳 | 无法 | 碰壁 | 没戏 | 作罢 | 废弃 | 弃了 | 不理想 | 不稳定 | 更糟 | 卡住 | 没走通 | 没跑通 | 跑不通 | 跑不起来 | 弯路 | 吃不消 | 舍弃 | 退回 | 还原 | 白搭 | 又?拿掉 | 去掉了 | 撤掉 | 死锁 | 走不下去 | 用不了 | 做不到 | 承受不住 | 顶不住""",
    ko=r"""실패 | 안 ?(?:됐|되었|됩|돼|된|먹|통) | 되지 않 | 작동하지 않 | 동작하지 않 | 통하지 않 | 소용(?:이)? ?없 | 쓸모(?:가)? ?없 | 효과가 없 | 불가능 | 막다른 | 포기 | 버렸 | 폐기 | 접었 | 철회 | 되돌렸 | 기각 | 무리 | 깨졌 | 깨져 | 깨집 | 죽었 | 죽습 | 뻗 | 다운 | 너무 (?:느|크|비|무|많|길|거) | 부족 | 호환되지 | 맞지 않 | 지원하지 않 | 지원되지 않 | 감당하지 | 감당 못 | 처리하지 못 | 처리 못 | 헛수고 | (?<!확인하지 )(?<!검증하지 )못 ?(?:했|합|쓰|씁|썼|견) | 수 없(?:었|습|어) | 허사 | 물거품 | 막혔 | 막혀 | 버티지 | 먹히지 | 불안정 | 나빠 | 원복 | 되돌려 | 걷어냈 | 뺐습 | 관뒀 | 그만뒀 | 그만두 | 단념 | 역부족 | 엉망 | 터졌 | 터져 | 뻗었 | 거부 | 실패로 | 한계""",
)
"""Something was tried and did not work, or was given up."""

DOUBT: Final = Concept(
    en=r"""not (?:yet )?(?:been )?(?:tested|verified|confirmed|implemented|committed|covered|checked|run|done|wired|integrated) | untested | unverified | unfinished | unresolved | uncommitted
    (?:haven't|have not|hasn't|has not|did ?n[o']t) (?:been )?(?:tested?|verif\w+|run|check\w*|commit\w*|push\w*|touch\w*|implement\w*) | could(?:n't| not) (?:verify|test|confirm|reproduce|run|check) | can(?:'t|not) (?:verify|test|confirm|reproduce|run|check)
    must be verif\w+ | to be verif\w+ | needs? (?:verification|confirmation|a decision|to be (?:verified|confirmed|checked|decided|tested|run|done|implemented|reviewed|re\w+)|your|manual|testing|review) | (?:still|remains?) (?:open|missing|to be \w+|needs?|pending|a stub|unclear)
    open (?:question|point|issue)s? | to be decided | tbd | unclear | unknown (?:if|whether|why) | not sure (?:if|whether|why) | hinges on | depends on whether | likely because | probably because | assum(?:es|ing|ption|ed)
    critical .{0,30}(?:task|check|risk) | is a risk | known (?:issue|limitation|vulnerabilit\w+)s? | for now | temporarily | workaround | stub(?:s|bed)? | stub only | hard-?coded | not yet | disabled (?:for now|until|pending|temporarily) | commented out | falls? back to | fell back to | left (?:as is|out|for later|uncommitted) | out of scope | todo | fixme | caveat | deferred | on hold | blocked (?:on|by|until)""",
    de=r"""nicht (?:getestet|geprüft|verifiziert|committet|eingecheckt|umgesetzt|implementiert|bestätigt|ausgeführt|gelaufen|abgedeckt) | ungetestet | ungeprüft | unklar | offen(?:e|er|es)? | noch (?:nicht|offen|zu klären|zu prüfen) | fehlt noch | annahme | vermutlich | wahrscheinlich | vorläufig | vorübergehend | provisorisch | behelf\w* | platzhalter | fest verdrahtet | deaktiviert | übersprungen | auskommentiert | ausgelassen | manuell | händisch | einschränkung | bekannte\w* (?:problem|lücke)\w*""",
    fr=r"""(?:non|pas)(?: encore)? (?:été )?(?:testée?s?|vérifiée?s?|commitée?s?|implémentée?s?|confirmée?s?|exécutée?s?) | à (?:vérifier|confirmer|tester|décider|valider|noter) | reste à \w+ | incertain\w* | pas (?:sûr|clair)\w* | hypothèse | probablement | provisoire\w* | temporaire\w* | contournement | désactivé\w* | en dur | ignoré\w* | laissé\w* | manuel\w* | limitation | impossible (?:ici|de vérifier)""",
    es=r"""(?:sin|no)(?: se)?(?: ha(?:n)?)?(?: sido)? (?:probad|verificad|comprobad|confirmad|implementad|ejecutad|prob|verific)\w* | por (?:verificar|confirmar|probar|decidir|definir) | falta(?:n)? (?:por )?\w+ | pendiente\w* | queda(?:n)? por | incierto | no está claro | supon\w+ | asum\w+ | probablemente | provisional\w* | temporal\w* | desactivad\w* | a mano | manual\w* | limitación""",
    pt=r"não (?:foi |foram )?(?:testad|verificad|confirmad|implementad)\w+ | por (?:verificar|confirmar) | pendente\w* | provisóri\w+ | temporári\w+ | desativad\w+",
    it=r"non (?:ancora )?(?:testat|verificat|confermat|implementat)\w+ | da (?:verificare|confermare|decidere) | provvisori\w+ | temporane\w+ | disattivat\w+",
    ru=r"""не (?:был[аои]? )?(?:протестирован|провер|закоммич|реализован|подтвержд|запуск|запущен|покрыт)\w* | непроверен\w* | не ясно | неясно | неизвестно | под вопросом | нужно (?:проверить|уточнить|решить) | надо (?:проверить|уточнить|решить) | требует\w* (?:проверки|решения|уточнения) | осталось \w+ | пока (?:не|без) | временн\w+ | заглушк\w+ | отключ[её]н\w* | пропущен\w* | вручную | предполож\w+ | вероятно | ограничени\w+ | открыт\w+ вопрос\w*""",
    ja=r"""未(?:検証|確認|テスト|実装|対応|コミット|実行|定|解決|完了|着手) | テストしていませ | 確認していませ | 確認できていませ | 検証していませ | 不明 | 要確認 | 要検討 | 仮(?:の|に|で)[^想定] | 暫定 | 一時的 | 回避策 | 無効化 | スキップ | 手動 | おそらく | 恐らく | 前提 | 制限(?:事項)? | 課題 | 残って""",
    zh=r"""未(?:测试|验证|确认|实现|提交|运行|完成|处理|覆盖) | 没有(?:测试|验证|确认|实现|提交|运行) | 没(?:测试|验证|跑) | 尚未 | 还没 | 有待 | 待(?:确认|验证|定|测试|办) | 不确定 | 不清楚 | 未知 | 暂时 | 临时 | 占位 | 写死 | 硬编码 | 禁用 | 跳过 | 注释掉 | 手动 | 假设 | 可能是因为 | 局限 | 风险""",
    ko=r"""미(?:검증|확인|구현|완료|해결|정|커밋|실행) | 테스트하지 않 | 확인하지 않 | 확인하지 못 | 검증하지 | 아직 | 불확실 | 불분명 | 알 수 없 | 임시 | 우회 | 비활성 | 건너뛰 | 수동 | 하드코딩 | 가정 | 아마 | 제한 | 한계 | 확인이 필요 | 결정이 필요""",
)
"""Something is left open, unproved or provisional."""

LEFT_AS_FOUND: Final = Concept(
    en=r"""pre-?existing | unrelated (?:to (?:my|our|the|this|these)|failure|issue|error)\w* | not (?:executed|re-?run|reproduced|exercised) | no access to | (?:is|are|was)(?: not|n't) (?:installed|available|reachable|accessible|possible) (?:here|in|on|from|within) | (?:remains?|still) (?:a )?(?:placeholder|unset|empty|draft)""",
    de=r"schon vorher (?:da|vorhanden|kaputt) | bereits vorhandene\w* fehler | hier nicht (?:möglich|verfügbar|installiert) | kein(?:en)? zugriff auf | nicht reproduzier\w+",
    fr=r"préexistant\w* | déjà présente?s? avant | (?:pas|non) (?:disponible|installé|accessible)\w* (?:ici|dans) | pas accès à",
    es=r"preexistente\w* | ya existían? antes | no (?:está |es )?(?:disponible|instalad[oa]|accesible)\w* (?:aquí|en este) | sin acceso a",
    pt=r"preexistente\w* | não (?:está |é )?(?:disponíve[li]s?|instalad[oa]|acessíve[li]s?) (?:aqui|neste|nesta) | sem acesso a",
    it=r"preesistent\w+ | non (?:è )?(?:disponibile|installat[oa]|accessibile) (?:qui|in quest\w+)",
    ru=r"был[аио]? (?:и )?(?:до|раньше) (?:этого|этих|меня|моих) | не (?:установлен|доступ)\w* (?:здесь|в этой|в этом) | нет доступа",
    ja=r"既存の(?:問題|エラー|不具合|失敗) | (?:この環境|ここ)では(?:利用|実行|使用)でき | アクセスできな",
    zh=r"(?:已有|原有|既有|之前就有)的?(?:问题|错误|失败) | (?:此|当前|这个)环境(?:中)?(?:没有|无法|不能) | 无法访问",
    ko=r"기존(?:에 있던|의)? (?:문제|오류|실패) | (?:이|현재) 환경에서는? | 접근할 수 없",
)
"""A defect or a limit of the place that the work met and did not change."""

ASKS_USER: Final = Concept(
    en=r"""let me know (?:which|what|whether|if you(?:'d| would)? (?:want|like|prefer)|how|when|who|where|your) | tell me (?:which|what|whether|if|how|when|who|where) | (?:reply|respond|answer) with | (?:please )?(?:choose|pick|decide|confirm|clarify|specify|advise) | your (?:call|choice|decision|pick|preference) | up to you | waiting (?:for|on) (?:you|your) | i need (?:your|you to|to know) | need(?:s)? your | (?:it )?depends on (?:you|your|whether you) | i(?:'d| would) like (?:your|to know) | awaiting | which (?:one|of)""",
    de=r"sag(?:t|en sie)? (?:mir|bescheid) | bitte (?:entscheide|wähle|bestätige)\w* | (?:entscheide|such) dir? | antworte\w* (?:mit|einfach) | gib (?:mir )?bescheid | deine (?:entscheidung|wahl) | liegt bei dir | warte auf (?:deine?|dich|ihre?) | brauche (?:noch )?(?:deine?|von dir)",
    fr=r"dis[- ]moi | dites[- ]moi | répond(?:s|ez) (?:par|avec) | choisi(?:s|ssez) | (?:merci de|peux-tu|pouvez-vous) (?:confirmer|préciser|décider|valider|choisir) | confirmez | précisez | dis quel\w* | à toi de | à vous de | ton choix | votre choix | j'attends | j'ai besoin (?:de ton|de ta|que tu|de votre)",
    es=r"responde con | dime | d[íi]game | elige | escoge | elija | confírma(?:me|lo) | confirma (?:si|que|cuál) | decide tú | av[íi]same | tú decides | tu (?:decisión|elección) | espero tu | necesito (?:tu|que (?:me|tú)|saber)",
    pt=r"diga-me | me diga | escolha | confirme (?:se|que|qual) | aguardo | preciso (?:da sua|que você|saber)",
    it=r"dimmi | scegli | conferma | decidi | fammi sapere | a te la scelta | attendo",
    ru=r"скажи(?:те)? | выбери(?:те)? | подтверди(?:те)? | реши(?:те)? | уточни(?:те)? | дай(?:те)? знать | ответь(?:те)? | сообщи(?:те)? | жду (?:твоего|вашего|ответа|решения) | (?:тебе|вам) решать | за (?:тобой|вами) | нужно (?:тво[её]|ваше)",
    ja=r"教えてください | お知らせください | ご指示(?:を|ください|お願い) | 選んで | お選び | お答え | ご回答 | 返信して | ご確認(?:ください|をお願い) | 決めて | ご判断 | お待ちし | ご希望 | どちらか",
    zh=r"请(?:选择|确认|告诉|告知|决定|指示|说明|给出) | 告诉我 | 请?回复 | 请回答 | 你(?:来)?(?:决定|选) | 您(?:来)?(?:决定|选) | 等(?:你|您) | 需要(?:你|您)(?:的)?(?:确认|决定|选择)",
    ko=r"알려 ?주 | 답해 ?주 | 답장 | 말씀해 | 선택해 | 골라 | 확인해 ?주 | 결정해 | 정해 ?주 | 기다리겠 | 결정이 필요",
)
"""Asks the user for a word without a question mark."""

COURTESY: Final = Concept(
    en=r"""let me know if (?:you (?:have|need|run|hit|see|spot)|there|anything|something|this|it) | feel free | happy to help | hope (?:this|that) helps | anything else | any (?:other )?questions | how can i help | what(?:'s| is)? next | what (?:would you like|do you want|should i) (?:me )?(?:to )?(?:do|work on|tackle)?\s*next
    does (?:that|this) (?:make sense|help|look good|sound good) | how does (?:that|this) (?:look|sound) | sound good | you're welcome | glad""",
    de=r"sag (?:gern(?:e)? )?bescheid,? (?:wenn|falls|ob) (?:du|noch|etwas) | melde dich | noch (?:etwas|fragen|was) | gern(?:e)? geschehen | kann ich (?:sonst )?noch | was (?:kann|soll) ich (?:als nächstes|noch|sonst)",
    fr=r"n'hésite\w* pas | autre chose | d'autres questions | je reste à | avec plaisir | de rien",
    es=r"no dudes | algo más | cualquier (?:otra )?(?:cosa|duda|pregunta) | alguna otra | de nada | en qué (?:más )?puedo",
    pt=r"fique à vontade | mais alguma coisa | qualquer dúvida | de nada",
    it=r"fammi sapere se | qualcos'altro | prego",
    ru=r"обращай\w+ | что-(?:то|нибудь) ещ[её] | ещ[её] вопрос\w* | пожалуйста,? обращ\w+ | чем (?:ещ[её] )?(?:могу )?помочь | рад\w* помочь",
    ja=r"他に(?:何か|ご) | ほかに(?:何か|ご) | お気軽に | どういたしまして | 何かありましたら | ご不明",
    zh=r"还有(?:什么|其他|别的) | 随时(?:告诉|找|联系) | 不客气 | 希望(?:这|对)",
    ko=r"다른 (?:것|질문|도움) | 더 (?:필요|궁금|도와) | 언제든 | 천만에 | 도움이 되",
)
"""Politeness that asks for nothing but the next prompt."""

OFFER: Final = Concept(
    en=r"if you(?:'d)? (?:want|like|prefer|wish|agree) | want me to | would you like | i can (?:also|then|next|now) | happy to | shall i | should i | do you want",
    de=r"falls du | wenn du (?:willst|möchtest|magst) | möchtest du | willst du | soll ich | ich kann (?:auch|gern\w*|dann|noch)",
    fr=r"si tu (?:veux|préfères|souhaites) | si vous (?:voulez|souhaitez) | veux-tu | voulez-vous | souhaites-tu | souhaitez-vous | je peux (?:aussi|ensuite|maintenant)",
    es=r"si (?:quieres|prefieres|quiere|lo deseas) | quieres que | quiere que | puedo (?:también|además|ahora) | te (?:gustaría|parece)",
    pt=r"se (?:quiser|preferir) | quer que | posso (?:também|agora)",
    it=r"se (?:vuoi|preferisci) | vuoi che | posso (?:anche|ora)",
    ru=r"хотите | хочешь | если (?:хочешь|хотите|нужно) | могу(?: также| ещё| ещe| сразу)? | (?:мне )?стоит ли",
    ja=r"必要(?:なら|であれば) | よろしければ | ご希望(?:なら|であれば|でしたら) | しましょうか | ましょうか | いたしましょうか",
    zh=r"需要我 | 要不要我? | 如果(?:你|您)(?:愿意|想|需要|希望) | 要我 | 我(?:还)?可以",
    ko=r"원하시면 | 원하신다면 | 필요하(?:시)?면 | 할까요 | 드릴까요 | 을까요",
)
"""Something that would be done at a word of the user."""

SWITCH: Final = Concept(
    en=r"""new (?:task|topic|project|ticket|issue|subject|thing|job|goal|assignment|question|request) | (?:different|another|separate|unrelated|other) (?:request|question|job|matter) | next (?:task|topic|project|ticket|issue|subject|thing|job|item|up\b) | (?:something|a thing) (?:else|different|new|completely) | different (?:task|topic|thing|project|subject|matter) | another (?:task|topic|thing|project|subject|matter|one) | on to (?:something|the next|another) | moving on | change of (?:plan|topic|subject)
    (?:let's|lets) (?:park|leave|drop|shelve|switch|move on|set|put) | park (?:this|that|it) | put (?:this|that|it) (?:on hold|aside) | shelve | forget (?:all |about )?(?:this|that|it) | unrelated | separate(?:ly)? (?:task|thing|matter)? | instead of (?:all )?(?:this|that) | switching (?:to|gears|topics) | for later | come back to (?:this|it|that)""",
    de=r"""neue[rs]? (?:aufgabe|thema|projekt|ticket|auftrag|baustelle|sache) | nächste[rs]? (?:aufgabe|thema|projekt|ticket|auftrag|baustelle|sache|punkt) | andere[rs]? (?:aufgabe|thema|projekt|baustelle|sache) | etwas (?:ganz )?(?:anderes|neues) | was (?:ganz )?(?:anderes|neues) | themenwechsel | wechseln wir | lassen wir (?:das|es) | leg(?:en wir)? das (?:beiseite|weg|zur seite) | vergiss das | das (?:pausieren|parken) | kommen wir zu""",
    fr=r"""nouve(?:lle|au|l) (?:tâche|sujet|projet|ticket|chose|demande|mission) | (?:autre|prochaine?) (?:tâche|sujet|projet|ticket|chose|demande) | autre chose | on change | changeons | changement de | rien à voir | laisse(?:z|ons)? (?:ça|cela|tomber|de côté) | mets (?:ça|cela) (?:de côté|en pause) | passons à | oublie (?:ça|cela)""",
    es=r"""nuev[oa] (?:tarea|tema|proyecto|ticket|asunto|encargo|cosa) | (?:otr[oa]|siguiente|próxim[oa]) (?:tarea|tema|proyecto|ticket|asunto|cosa) | cambi(?:o|amos|emos) de | algo (?:distinto|diferente|nuevo) | otra cosa | nada que ver | deja(?:mos|lo)? (?:eso|esto|aparcado|de lado) | aparc\w+ | olvida (?:eso|esto|lo) | pasemos a""",
    pt=r"nov[oa] (?:tarefa|tema|projeto|assunto) | outr[oa] (?:tarefa|coisa|assunto) | próxim[oa] (?:tarefa|assunto) | mud(?:ar|ando|emos) de | deixa isso | esquece",
    it=r"nuov[oa] (?:compito|tema|progetto|attività) | altr[oa] (?:compito|cosa|tema|argomento) | prossim[oa] (?:compito|attività) | cambiamo | lascia(?:mo)? (?:stare|perdere|da parte)",
    ru=r"""нов(?:ая|ое|ый|ую) (?:задач|тем|проект|дел|тикет|задани)\w* | (?:друг(?:ая|ое|ой|ую)|следующ(?:ая|ее|ий|ую)) (?:задач|тем|проект|дел|тикет|задани|вопрос)\w* | что-то (?:другое|новое) | кое-что другое | другое дело | сменим | о другом | смена темы | перейд[её]м к | отлож(?:и|им|ите|ил)\w* | оставим (?:это|пока) | забудь(?:те)? | переключ\w+""",
    ja=r"新しい(?:タスク|課題|作業|依頼|仕事|話) | 別の(?:タスク|課題|作業|話|件|依頼|仕事|こと) | 次の(?:タスク|課題|作業|件|依頼|仕事|チケット) | 別件 | 話は変わ | 話を変え | 話題を変え | ところで | いったん(?:止め|置い|保留) | 一旦(?:止め|置い|保留) | 保留 | 置いておい | 後回し | 切り替え",
    zh=r"新(?:的)?(?:任务|话题|项目|需求|工作|事) | (?:另|别)(?:一个|的|外)?(?:任务|话题|项目|需求|事|件事) | 下一个(?:任务|话题|项目|需求|工单|事) | 换(?:个|一个)(?:任务|话题|事|项目)? | 另外一件 | 先(?:放一放|放下|搁置|停) | 搁置 | 暂停(?:这个|一下) | 不管(?:这个|它)了 | 改做 | 转到",
    ko=r"새(?:로운)? (?:작업|과제|일|프로젝트|주제|업무|요청|티켓) | 다른 (?:작업|과제|일|프로젝트|주제|업무|이야기|얘기|건) | 다음 (?:작업|과제|일|프로젝트|주제|업무|건|티켓) | 주제를 바꿔 | 별개 | 화제를 | 이건 (?:잠시|일단|나중) | 보류 | 미뤄 | 접어 | 넘어가",
)
"""The user turns to something else."""

TAKES_BACK: Final = Concept(
    en=r"""go back to | roll(?:ed)? back | revert | undo | scrap (?:that|this|it) | never ?mind | forget (?:it|that|about) | take (?:it|that) (?:out|back) | i (?:do not|don't|dont|really don't) like | not what i (?:asked|wanted|meant)""",
    de=r"zurück zu | rückgängig | nimm (?:das|es) (?:wieder )?(?:raus|zurück) | gefällt mir nicht | nicht das,? was ich",
    fr=r"reviens? (?:à|en arrière) | annule\w* | je n'aime pas | pas ce que j'ai",
    es=r"vuelve a | deshaz\w* | revierte | no me gusta | no (?:es|era) lo que",
    pt=r"volta (?:a|para) | desfaz | desfaça | não gost\w+",
    it=r"torna a | annulla | ripristina | non mi piace",
    ru=r"верни | отмени\w* | откати\w* | не нрав[ия]тся | не то,? что я",
    ja=r"元に戻 | 取り消 | 気に入らない | 違います",
    zh=r"撤销 | 回退 | 还原 | 不喜欢 | 不是我要的",
    ko=r"되돌 | 취소 | 마음에 (?:안|들지) | 원한 게 아니",
)
"""The user takes back what was done."""

PROTOCOL_QUESTION: Final = Concept(
    en=r"continue from here | starting something (?:different|new|else) | (?:continue|carry on|resume|pick up|go on) (?:from )?(?:here|there|where|with (?:this|that|it)) | something different",
    de=r"von hier (?:aus )?weiter\w* | hier weitermachen | etwas anderes (?:an|be)\w* | dort weitermachen",
    fr=r"(?:continuer|reprendre|poursuivre) (?:à partir )?d'ici | reprendre (?:là|ici|où) | autre chose",
    es=r"(?:continuar|seguir|retomar) (?:desde|a partir de) (?:aquí|ahí) | algo (?:distinto|diferente|nuevo)",
    pt=r"continuar (?:daqui|a partir) | algo diferente",
    it=r"(?:continuare|riprendere) da qui | qualcosa di (?:diverso|nuovo)",
    ru=r"(?:продолжить|продолжаем|продолжим) (?:отсюда|с этого|дальше) | что-то другое",
    ja=r"ここから(?:続け|再開) | 別のこと | 続きから",
    zh=r"从这里继续 | 继续(?:这个|做)? ?还是 | 别的(?:事|任务|内容)",
    ko=r"여기서(?:부터)? (?:계속|이어) | 다른 (?:일|작업|것)을? (?:시작|하)",
)
"""The question of the resume protocol, as an agent words it."""

RESUME: Final = Concept(
    en=r"continue | carry on | go on | keep (?:going|on) | resume | proceed | pick (?:it |this )?up | left off | hand-?over | hand-?off | where (?:were|are|did) we | what(?:'s| is| was) (?:left|next)",
    de=r"weiter\w* | (?:setz|führ)\w* .{0,30}fort | fortsetz\w* | fortfahren | mach weiter | aufgehört | wo waren wir | wo sind wir | was (?:fehlt|steht) noch | übergabe\w*",
    fr=r"continu\w+ | poursui\w+ | reprend\w* | reprise | repren\w+ | où (?:en )?(?:étions|est|sommes|étais)\S* | on en était | arrêtés? | que reste-t-il",
    es=r"contin[uú]\w+ | sig(?:ue|ues|amos|uiendo|a) | seguir | seguimos | retom\w+ | reanud\w+ | donde (?:lo )?(?:dejamos|quedamos|estábamos) | dónde (?:estábamos|quedamos|lo dejamos) | qué (?:falta|queda)",
    pt=r"continu\w+ | segue | siga | retom\w+ | onde (?:paramos|estávamos)",
    it=r"continu\w+ | prosegu\w+ | riprend\w+ | dove eravamo",
    ru=r"продолж\w+ | дальше | возобнов\w+ | (?:где|на чём|на чем) (?:мы )?(?:остановил\w+|были|закончил\w+) | что осталось",
    ja=r"続け | 続き | 再開 | 進めて | どこまで | 引き継",
    zh=r"继续 | 接着 | 往下 | 恢复 | 上次 | 做到哪 | 到哪了 | 还剩",
    ko=r"계속 | 이어서 | 이어가 | 재개 | 진행해 | 마저 | 어디까지 | 하던",
)
"""Go on with what there is."""


HEDGE: Final = Concept(
    en=r"maybe | perhaps | might | could be | may be | probably | possibly | seems? | suspect | i think | i guess | i bet | likely | not sure | unless | let me (?:check|see|look|verify|think)",
    de=r"vielleicht | möglicherweise | vermutlich | wahrscheinlich | könnte | scheint | ich vermute | ich glaube",
    fr=r"peut-être | probablement | sans doute | semble\w* | pourrait | je pense | je suppose",
    es=r"quizás? | tal vez | probablemente | posiblemente | parece\w* | podría | creo que | supongo",
    pt=r"talvez | provavelmente | parece | poderia | acho que",
    it=r"forse | probabilmente | sembra | potrebbe | credo",
    ru=r"возможно | вероятно | наверное | кажется | похоже | видимо | думаю | предполож\w+",
    ja=r"かもしれ | おそらく | 恐らく | たぶん | ようです | ようだ | と思われ | 可能性",
    zh=r"可能 | 也许 | 或许 | 大概 | 似乎 | 好像 | 应该是 | 看起来",
    ko=r"아마 | 것 같 | 수도 있 | 듯 | 보입니다 | 추측",
)
"""Said as a guess."""

OTHER_WAY: Final = Concept(
    en=r"(?:different|another|other|alternative|simpler|better|new|cleaner|safer) (?:approach|way|strategy|solution|method|route|design|option|idea|path) | approach | instead | switch(?:ing|ed)? (?:to|back) | rather than | let me (?:instead|rather|revert|undo|try) | start over | revert\w* | roll(?:ed|ing)? back | undo(?:ing)? | go(?:ing)? back to | scrap | drop (?:this|that|the idea) | give up | too (?:complex|complicated|fragile|hacky|invasive) | not worth",
    de=r"ander\w* (?:ansatz|weg|lösung|methode|variante|idee) | ansatz | stattdessen | statt | lieber | zurück zu | rückgängig | verwerf\w* | zu (?:kompliziert|aufwendig|komplex)",
    fr=r"autre (?:approche|manière|façon|solution|méthode|piste|voie) | approche | plutôt | à la place | au lieu | revenir à | revenons | trop (?:complexe|compliqué|lourd)\w*",
    es=r"otr[oa] (?:enfoque|manera|forma|solución|método|vía|camino) | enfoque | en su lugar | en (?:vez|lugar) de | mejor | volver a | demasiado (?:complejo|complicado)\w*",
    pt=r"outr[oa] (?:abordagem|maneira|forma|solução|método) | abordagem | em vez | voltar | complicad\w+ demais",
    it=r"altr[oa] (?:approccio|modo|soluzione|metodo) | approccio | invece | tornare | troppo (?:complesso|complicato)",
    ru=r"друг\w+ (?:подход|способ|путь|вариант|решени\w+|метод) | иначе | по-другому | подход | вместо | вернусь к | верн[её]мся к | откат\w* | слишком (?:сложн|громоздк)\w+",
    ja=r"別の(?:方法|アプローチ|手段|やり方|案) | 他の方法 | 代わりに | 方針を変え | 切り替え | 元に戻し | 複雑すぎ | アプローチ",
    zh=r"换(?:个|一种|一个|种)?(?:方法|思路|方案|方式|办法|做法) | 另一种 | 其他(?:方法|方案|办法) | 改用 | 改为 | 改成 | 转而 | 回退 | 回到 | 太复杂 | 方案 | 思路",
    ko=r"다른 (?:방법|방식|접근|방안|길) | 대신 | 바꿔 | 되돌 | 돌아가 | 너무 복잡 | 접근",
)
"""Another way is taken."""

MAIN_CAUSE: Final = Concept(
    en=r"root cause | the (?:real |actual |underlying |key |main |core )?(?:reason|culprit|problem|issue|bug|cause|catch|bottleneck|finding|insight|takeaway) (?:is|was|lies|turned out|here) | turn(?:s|ed) out | caused by | key (?:finding|insight|point) | because | that(?:'s| is) why | confirmed | found the",
    de=r"ursache | grund | liegt (?:daran|an) | lag (?:daran|an) | stell(?:t|te) sich heraus | herausgestellt | weil | problem (?:ist|war|liegt)",
    fr=r"cause | raison | vient de | provient | parce qu\S* | il s'avère | problème (?:est|vient|était)",
    es=r"causa | motivo | razón | porque | se debe a | resulta que | resultó | problema (?:es|está|era)",
    pt=r"causa | motivo | porque | deve-se | problema (?:é|está|era)",
    it=r"causa | motivo | perché | dovuto | problema (?:è|era|sta)",
    ru=r"причин\w+ | потому | из-за | дело в | оказал\w+ | выяснил\w+ | проблема (?:в|была|—)",
    ja=r"原因 | 理由 | ため(?:です|でした|。) | が判明 | 判明し | 突き止め | 問題は",
    zh=r"原因 | 因为 | 由于 | 根源 | 问题(?:在于|出在|是) | 原来 | 定位到",
    ko=r"원인 | 이유 | 때문 | 밝혀 | 문제는",
)
"""The cause itself, named as such."""

REQUEST: Final = Concept(
    en=r"(?:can|could|would|will|may) (?:you|we|u) | are you able | please | pls | i(?:'d| would) like you",
    de=r"(?:kannst|könntest|würdest|magst|können|könnten) (?:du|sie|wir)? ?(?:bitte|mal|mir|das|die|den)?",
    fr=r"(?:peux|pourrais|veux)[- ]tu | (?:pouvez|pourriez)[- ]vous | tu (?:peux|pourrais) | s'il te plaît | stp",
    es=r"(?:puedes|podrías|puede|podría) | por favor",
    pt=r"(?:pode|poderia|consegue) | por favor",
    it=r"(?:puoi|potresti) | per favore",
    ru=r"(?:можешь|можете|мог бы|могли бы) | пожалуйста | плиз",
    ja=r"(?:くれ|もらえ|いただけ|頂け|お願いでき)(?:ます|ません|る|ない)か?",
    zh=r"能不能 | [你您]能 | 能否 | 可否 | 可以帮 | 能帮 | 请(?!问) | 麻烦 | 帮我",
    ko=r"줄래 | 주실 | 주세요 | 줄 수 | 해 ?줘 | 해 ?줄",
)
"""A question only by its form: asks for work."""


MISSING_HEADING: Final = Concept(
    en=r"issues? | problems? | missing | gaps? | limitations? | risks? | caveats? | open (?:points?|issues?|questions?) | known | not (?:done|covered|included|implemented|working) | broken | incomplete | blockers? | warnings? | notes? | unresolved | failing | outstanding | unfinished",
    de=r"probleme? | offen\w* | fehl\w* | lücken? | risik\w+ | einschränkung\w* | hinweise? | nicht \w+ | bekannte\w* | unvollständig\w* | achtung",
    fr=r"problèmes? | manqu\w+ | limit\w+ | risques? | à noter | points? (?:ouverts?|d'attention|restants?) | non \w+ | remarques? | attention | incomplet\w*",
    es=r"problemas? | faltan?\w* | limitaci\w+ | riesgos? | pendientes? | no \w+ | notas? | advertencias? | incomplet\w+",
    pt=r"problemas? | falta\w* | limitaç\w+ | riscos? | pendente\w* | pendências? | não \w+ | notas? | atenção | incomplet\w+",
    it=r"problemi | manca\w* | limit\w+ | rischi | note | non \w+ | attenzione",
    ru=r"проблем\w* | недоста\w+ | не \w+ | ограничени\w+ | риск\w* | открыт\w+ | замечани\w+ | внимание | пробел\w*",
    ja=r"問題 | 課題 | 未\w+ | 不足 | 制限 | 注意 | リスク | 欠け | 懸念",
    zh=r"问题 | 缺 | 未 | 不足 | 限制 | 风险 | 注意 | 遗留 | 待 | 隐患",
    ko=r"문제 | 미\w+ | 부족 | 제한 | 한계 | 위험 | 주의 | 누락 | 남은",
)
"""The heading of a list of what is missing or wrong."""

WORKS: Final = Concept(
    en=r"pass(?:es|ed|ing)? | green | works? | working | success(?:ful|fully)? | succeed(?:s|ed)? | compiles? | builds? | built | runs? | verified | clean | available | exists? | already | requires? | expects? | uses? | supports? | only | located | lives?",
    de=r"läuft | laufen | funktionier\w+ | erfolgreich | bestanden | grün | kompiliert | gebaut | verfügbar | bereits | existiert | liegt | braucht | benötigt | erwartet | nutzt | verwendet",
    fr=r"passe(?:nt)? | fonctionne\w* | succès | réussi\w* | compile\w* | disponible\w* | déjà | existe\w* | nécessite | attend | utilise\w* | exige\w*",
    es=r"pasan? | funciona\w* | éxito | compila\w* | disponible\w* | ya | existe\w* | requiere\w* | espera | usa\w* | necesita\w*",
    pt=r"passa\w* | funciona\w* | sucesso | compila\w* | disponív\w+ | já | existe\w* | requer\w* | usa\w* | precisa\w*",
    it=r"passa\w* | funziona\w* | successo | compila\w* | disponibil\w+ | già | esiste\w* | richied\w+ | usa\w*",
    ru=r"проход\w+ | прошл\w+ | работа\w+ | успешн\w+ | собира\w+ | собран\w* | доступ\w+ | уже | существу\w+ | требу\w+ | использу\w+ | лежит | находится",
    ja=r"成功 | 通り | 通っ | パス | 動作 | 動いて | 動き | 利用(?:でき|可能) | 既に | すでに | 存在 | 必要 | 使って | 使用",
    zh=r"通过 | 成功 | 可用 | 正常 | 已经 | 存在 | 需要 | 使用 | 支持 | 位于 | 跑通 | 生效",
    ko=r"통과 | 성공 | 작동 | 동작 | 정상 | 이미 | 존재 | 필요 | 사용 | 지원 | 가능 | 위치",
)
"""Something works, is there, or is needed: the state of things rather than what was done."""


WILL_NOT_WORK: Final = Concept(
    en=r"(?:won't|will not|would not|wouldn't|doesn't|does not|don't|do not|can't|cannot|not going to) (?:\w+ )?(?:work|help|fly|hold|scale|fit) | too (?:complex|complicated|fragile|invasive|hacky) | not (?:viable|feasible|possible|going to work) | dead end | no (?:good|way) | backfired",
    de=r"(?:funktioniert|klappt|geht|hilft|reicht|taugt) (?:\w+ ){0,2}nicht | zu (?:komplex|kompliziert|aufwendig) | nicht (?:machbar|möglich|praktikabel) | sackgasse",
    fr=r"ne (?:va pas|peut pas|pourra pas)? ?(?:marche|fonctionne|suffi|convien|marcher|fonctionner|suffire)\w* ?(?:pas)? | trop (?:complexe|compliqué|fragile)\w* | pas (?:viable|possible|faisable) | impasse",
    es=r"no (?:va a |puede )?(?:funcion|serv|bast|cab)\w+ | demasiado (?:complejo|complicado|frágil)\w* | no es (?:viable|posible|factible) | callejón sin salida",
    pt=r"não (?:vai |pode )?(?:funcion|serv|bast)\w+ | complicad\w+ demais | não é (?:viável|possível) | beco sem saída",
    it=r"non (?:può |potrà )?(?:funzion|bast|serv)\w+ | troppo (?:complesso|complicato|fragile) | vicolo cieco",
    ru=r"не (?:сработа|работа|подойд|подход|получ|выйд|помож)\w+ | слишком (?:сложн|громоздк|хрупк)\w+ | невозможн\w+ | тупик\w*",
    ja=r"うまくい(?:か|き)(?:な|ませ) | 動(?:か|き)(?:な|ませ) | 使え(?:な|ませ) | 複雑すぎ | 不可能 | 行き止まり | 行き詰ま",
    zh=r"行不通 | 走不通 | 不可行 | 不管用 | 没用 | 不起作用 | 太复杂 | 死路",
    ko=r"안 ?(?:됩|된|돼|통) | 되지 않 | 작동하지 않 | 너무 복잡 | 불가능 | 막다른",
)
"""A way is said not to lead anywhere."""
