"""The word lists of all languages, one table per concept.

Nothing outside this file depends on the words of one language, so that the lists can be judged, extended and, for a
measurement, switched off in one place (`Concept.search`). The rules that use them decide by evidence first: what the
agent did, where a sentence is, what it shares with others. The lists hold grammar (negation, obligation, cause,
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
    keep(?:s|ing)?(?! \w+ing\b) | preserve | prefer\w* | rather | instead | except | unless | as (?:it )?(?:is|was) | untouched | unchanged
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
    préfér\w* | de préférence | strictement | tel(?:le)?s? quel(?:le)?s? | sous \d+ | important\w* | compatible\w* | (?:le|la|les) (?:plus|moins) \w+ possible | n'oublie pas | attention | que (?:ça|ce|tout|le|la|l'\w+) \w*(?:soit|reste|marche|puisse|tienne|fonctionne) | je veux que (?!tu\b|vous\b)\w+ | nulle part | personne | en aucun cas | (?:on )?ne peut (?:\w+ )?(?:avoir|être|dépasser|y avoir) | tout (?:en|doit) | pas plus de""",
    es=r"""deb(?:e|en|es|ería\w*|erá\w*) | siempre | solo | sólo | solamente | únicamente | hay que | tiene[ns]? que
    obligatori\w+ | como (?:máximo|mínimo|mucho) | máximo | mínimo | al menos | mant(?:én|ener|enga\w*)
    (?:que|debe|tiene que) qued\w+ | se queda(?:n)? como | prefier\w+ | preferi\w+ | mejor | en (?:vez|lugar) de | salvo | excepto | menos | evit\w+
    prohibid\w+ | en todas? partes | a partir de ahora | tal (?:y )?como est[áa]\w* | menos de \d+ | estrictamente | hace falta | importante | compatible\w* | lo más \w+ posible | recuerda | ten en cuenta | ojo | quiero que (?!\w+[ae]s\b)\w+ | que (?:sea|esté|quede|vaya|funcione|tenga|siga|pueda|valga)n? | nadie | en ningún caso | todo (?:en|debe|tiene) | nada de""",
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
    en=r"""(?:^|[,;:.] ?|please |just |only |and |then |but |always |should |must |to )use | prefer | keep(?! \w+ing\b) | stick (?:to|with) | go with | choose | name (?:it|the|this) | call it | rename | instead of
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

ASKS_USER: Final = Concept(
    en=r"""let me know (?:which|what|whether|if you(?:'d| would)? (?:want|like|prefer)|how|when|who|where|your) | tell me (?:which|what|whether|if|how|when|who|where) | (?:reply|respond|answer) with | please (?:\w+ )?(?:choose|pick|decide|confirm|clarify|specify|advise) | ^\W*(?:choose|pick|decide|confirm|clarify|specify|advise) | your (?:call|choice|decision|pick|preference) | up to you | waiting (?:for|on) (?:you|your) | i(?:'d| would|'ll| will| still)? need (?:(?:[\w-]+ ){1,6}from (?:you|your|the|them|him|her|\w+)|your|you to|to know) | (?:i'm|i am|we're) (?:still )?missing (?:[\w-]+ ){0,6}from (?:you|your) | need(?:s)? your | (?:it )?depends on (?:you|your|whether you) | i(?:'d| would) like (?:your|to know) | awaiting | which (?:one|of)""",
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
    en=r"""new (?:task|topic|project|ticket|issue|subject|thing|job|goal|assignment|question|request) | (?:different|another|separate|unrelated|other) (?:request|question|job|matter) | next (?:task|topic|project|ticket|issue|subject|thing|job|item|up\b) | (?:something|a thing) (?:else|different|new|completely) | different (?:task|topic|thing|project|subject|matter) | another (?:\w+ ){0,2}(?:task|topic|thing|project|subject|matter) | another one | on to (?:something|the next|another) | moving on | change of (?:plan|topic|subject)
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

PUTS_OFF: Final = Concept(
    en=r"""(?:let me|i(?:'ll| will| have to| need to| must| want to|'d like to)) (?:first )?(?:ask|check with|talk to|think (?:about|it|on)|sleep on|get back|decide|find out|discuss|consult) | (?:not|no longer) sure yet | (?:not|haven't|hasn't|have not) (?:yet )?(?:decided|made up) | (?:undecided|tbd)
    (?:decide|answer|settle|figure out|get back|come back) (?:on |to |about )?(?:this|that|it|you)? ?(?:later|tomorrow|next week|another time|after|once) | leave (?:that|this|it) open | keep (?:that|this|it) open | need to (?:ask|think|check with|talk to)""",
    de=r"(?:muss|will|werde|möchte) (?:ich )?(?:\w+ ){0,4}(?:fragen|überlegen|nachdenken|abklären|klären|besprechen|abstimmen|rücksprache halten) | (?:frage?|kläre?|bespreche?|überlege?) (?:ich )?(?:das |es |mir |noch |erst |erstmal ){1,4} | (?:weiß|weiss) (?:ich )?noch nicht | noch nicht entschieden | entscheide ich (?:später|morgen|noch) | lass(?:en wir)? (?:das|es) (?:noch )?offen | melde mich (?:dazu|noch)",
    fr=r"je (?:vais|dois|veux) (?:d'abord )?(?:demander|réfléchir|voir avec|en parler|vérifier avec) | (?:je (?:ne )?sais pas|pas) encore (?:décidé)? | on (?:verra|décidera|décide) (?:plus tard|demain|ça plus tard) | laisse(?:z|ons)? (?:ça|cela|la question) ouvert\w*",
    es=r"(?:tengo que|voy a|debo|quiero) (?:\w+ )?(?:preguntar\w*|consultar\w*|pensar\w*|hablar\w*) | (?:aún|todavía) no (?:lo )?(?:sé|he decidido|está decidido) | (?:lo )?decid(?:o|iré|imos|iremos) (?:más tarde|después|luego|mañana) | déjalo abierto | lo dejamos abierto",
    pt=r"(?:tenho que|vou|preciso) (?:\w+ )?(?:perguntar|consultar|pensar|falar com|ver com) | ainda não (?:sei|decidi) | decido (?:depois|amanhã|mais tarde)",
    it=r"(?:devo|voglio) (?:\w+ )?(?:chiedere|pensarci|sentire|parlarne) | (?:ci penso|non (?:lo )?so ancora|non ho ancora deciso) | decido (?:dopo|domani|più tardi)",
    ru=r"(?:надо|нужно|должен|должна|хочу|сначала) (?:\w+ ){0,2}(?:спросить|подумать|посоветоваться|обсудить|уточнить у) | (?:спрошу|подумаю|обсужу|посоветуюсь) | ещё не решил\w* | еще не решил\w* | пока не (?:знаю|решил\w*) | решу (?:позже|потом|завтра)",
    ja=r"聞いて(?:みます|みる|から) | 確認して(?:から|みます) | 考えて(?:おきます|みます|から) | 相談して | まだ決め | 決まってい?ない | 保留 | 後で(?:決め|答え)",
    zh=r"(?:我)?(?:先)?(?:去)?问(?:一下|问|下)(?!题) | (?:让我|我再|我先)(?:想|考虑|确认) | 还没(?:有)?(?:决定|想好|定) | (?:以后|晚点|之后|稍后|明天)再(?:说|定|决定) | 待定",
    ko=r"물어보고 | 물어볼게 | 생각해 ?(?:볼게|보고|봐야) | 상의해 | 아직 (?:못 ?정|결정|모르|정하지) | 나중에 (?:정|결정|답) | 보류",
)
"""The user puts off the answer to a question."""

TAKES_BACK: Final = Concept(
    en=r"""go back to | roll(?:ed)? back | revert | undo | scrap (?:that|this|it) | never ?mind | forget (?:it|that|about) | take (?:it|that) (?:out|back) | i (?:do not|don't|dont|really don't) like | not what i (?:asked|wanted|meant)""",
    de=r"zurück zu | rückgängig | nimm (?:das|es) (?:wieder )?(?:raus|zurück) | gefällt mir nicht | nicht das,? was ich",
    fr=r"reviens? (?:à|en arrière) | annule\w* | je n'aime pas | pas ce que j'ai",
    es=r"vuelve (?:atrás|al? (?:estado|versión|como)) | deshaz\w* | revierte | no me gusta | no (?:es|era) lo que",
    pt=r"volta (?:atrás|para trás|à versão|ao que) | desfaz | desfaça | não gost\w+",
    it=r"torna (?:indietro|a prima|all?a? versione|com'era) | annulla | ripristina | non mi piace",
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


QUESTION_LABEL: Final = Concept(
    en=r"questions?",
    de=r"(?:rück)?fragen?",
    es=r"preguntas?",
    pt=r"perguntas?",
    it=r"domand[ae]",
    ru=r"вопрос\w?",
    ja=r"質問",
    zh=r"问题 | 疑问",
    ko=r"질문",
)
"""What stands before a question to say that it is one; French has the English word."""


HEDGE: Final = Concept(
    en=r"maybe | perhaps | might | could be | may be | probably | possibly | seems? | suspect | i think | i guess | i bet | likely | not sure | let me (?:check|see|look|verify|think)",
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

ADVICE: Final = Concept(
    en=r"i(?:'d| would)? (?:\w+ly |still |also )?(?:recommend|suggest|propose|advise|lean|favou?r) | i(?:'d| would) (?:go|use|start|keep|pick|choose|take|avoid|say|put|make|add|do|try) | my (?:recommendation|suggestion|advice|pick|preference|vote)",
    de=r"ich (?:würde|empfehle|schlage|rate|tendiere|plädiere) | (?:mein\w* )(?:empfehlung|vorschlag|rat|tipp) | empfehle(?:n)? | würde ich",
    fr=r"je (?:recommande|suggère|propose|conseille|pencherais?|penche|choisirais|prendrais|ferais) | ma recommandation | mon conseil",
    es=r"(?:te |le |os )?(?:recomiendo|sugiero|propongo|aconsejo) | (?:yo )?(?:usaría|elegiría|optaría|empezaría|iría) | mi (?:recomendación|sugerencia|consejo)",
    pt=r"(?:eu )?(?:recomendo|sugiro|proponho|aconselho) | (?:eu )?(?:usaria|escolheria|começaria) | minha (?:recomendação|sugestão)",
    it=r"(?:ti )?(?:consiglio|suggerisco|propongo|raccomando) | (?:userei|sceglierei|comincerei) | il mio consiglio",
    ru=r"(?:я )?(?:рекомендую|предлагаю|советую|склоняюсь) | (?:я )?(?:бы )?(?:выбрал|взял|начал|использовал)а? бы | я бы | мо[йя] (?:совет|рекомендация)",
    ja=r"お(?:すすめ|勧め)(?:し|は|です) | おすすめ | 提案 | 推奨(?:し|は) | ほうがいいと思",
    zh=r"(?:我)?建议 | 推荐 | 我倾向 | 我会(?:选|用)",
    ko=r"추천(?:합|드|은) | 제안(?:합|드) | 권장 | 권해",
)
"""The writer says what it would do: a proposal, not something found."""

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

STILL: Final = Concept(
    en=r"still | again | same (?:error|problem|issue|thing|result|message|bug) | keeps? \w+ing | as before | no change",
    de=r"immer noch | noch immer | weiterhin | nach wie vor | wieder (?:nicht|der) | (?:gleiche|selbe)r? (?:fehler|problem) | derselbe fehler",
    fr=r"toujours (?:pas|le|la|les|en) | encore (?:le|la|les|une fois) | même (?:erreur|problème|chose) | continue (?:à|de)",
    es=r"sigue\w* | todavía | aún (?:no|sale|da) | mism[oa] (?:error|problema|fallo) | otra vez | continúa",
    pt=r"continua\w* | ainda (?:não|está|dá|com) | mesm[oa] (?:erro|problema) | de novo",
    it=r"ancora (?:non|lo) | continua\w* | stess[oa] (?:errore|problema) | di nuovo",
    ru=r"вс[её] ещ[её] | всё равно | по-прежнему | опять | снова | та же ошибка | то же самое",
    ja=r"まだ | 相変わらず | 同じ(?:エラー|問題) | また(?:同じ|エラー) | 直っていま | 変わりませ | 変わらな",
    zh=r"还是 | 仍然 | 仍旧 | 依然 | 依旧 | 同样的(?:错误|问题) | 又(?:报|出)",
    ko=r"아직 | 여전히 | 계속 | 같은 (?:오류|에러|문제) | 또",
)
"""What was wrong before is said to be so still."""

SPEAKER: Final = Concept(
    en=r"i | i'(?:d|ll|m|ve) | me | my | we | we'(?:d|ll|re|ve) | us | happy to",
    de=r"ich | mir | mich | wir | uns | mein\w*",
    fr=r"je | j'\w+ | moi | me | m'\w+ | nous | (?:dites|dis)[- ]moi",
    es=r"yo | me | mi | puedo | podría | podemos | dime | d[íi]game | av[íi]same | nosotros",
    pt=r"eu | me | posso | poderia | podemos | avise-me | diga-me",
    it=r"io | mi | posso | potrei | possiamo | fammi | dimmi",
    ru=r"я | мне | меня | мы | нам | нас | могу | можем",
    ja=r"私 | こちらで | (?:でき|いたし|し|り|み|き|べ|え)ます | ましょう | お知らせ | 教えて | お申し付け",
    zh=r"我 | 我们 | 我們",
    ko=r"제가 | 저는 | 저희 | 드리 | 드릴 | 겠습니다 | [을할]게요 | 알려 ?주",
)
"""The writer speaks of itself: what follows is not for the reader to do."""
