"""The words in which an outcome is reported: what failed and why, what worked, what is open or doubtful.

Written as in `lexicon`.
"""

from __future__ import annotations

from typing import Final

from carryover.distill.language.concept import Concept

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

FAILURE: Final = Concept(
    en=r"""fail(?:s|ed|ures?)? | (?:kept|keeps|is|was|are|were|still) failing | did ?n[o']t (?:work|help|hold|fit|scale|pan out) | does ?n[o']t (?:work|help|hold|fit|scale) | never worked | no (?:good|luck|use) | dead[- ]end | blind alley | useless | hopeless | unusable | impossible | infeasible | unworkable
    g(?:a|i)ve(?:n|s)? up | giving up | abandon\w* | discard\w* | dropp?ed (?:it|that|this|the (?:idea|approach|plan|attempt)) | ditched | scrapp?ed | reject(?:ed)? | rul(?:ed|ing) out | ruled .{1,40} out | revert\w* | rolled back | undid | backed out | took .{1,40} (?:out|back) again
    broke(?:n)? | breaks | crash(?:es|ed)? | hangs? | hung | times? out | timed out | too (?:slow|big|large|expensive|fragile|coarse|noisy|many|much|long|heavy|inaccurate|unreliable) | not (?:viable|feasible|possible|suitable|an option|enough|good enough) | won't (?:work|do|help) | cannot (?:handle|be used) | can't (?:handle|be used|cope) | couldn't | unable to
    insufficient | incompatible | unsupported | in vain | to no avail | backfired | wrong (?:track|path|approach) | made (?:it|things|matters) worse | worse (?:than|off) | ran out of | out of memory | oom | killed | blocked by | rejects | refused | (?:went|goes|going|led|leads) nowhere | hit a wall | no[- ]go | chok\w+ on | f(?:alls|all|ell) (?:over|apart|short) | thr(?:ew|own) .{1,30} (?:away|out) | bailed | waste of time | not worth | unstable | unreliable | overkill | red herring | out of the question | not an option | had to (?:undo|revert|drop|back|remove|take) | did(?: not|n't) (?:pan|go|get|lead|turn|pay|solve|fix|make|cut)\w* | (?:made|makes|make) no difference | (?:changed|changes) nothing | did(?: not|n't) change (?:anything|a thing) | (?:had|has|with) no effect""",
    de=r"""scheiter\w* | gescheitert | fehlgeschlagen | schl(?:ug|ägt|ugen) fehl | fehlschl\w+ | klappt\w* (?:so |leider |hier )?nicht | funktionier\w* (?:so |leider |hier |aber |damit )?nicht | nicht (?:funktioniert|geklappt|gebracht|getaugt|gereicht|möglich|brauchbar|geeignet|praktikabel|tragfähig) | ging (?:leider |so )?nicht | geht (?:leider |so )?nicht
    sackgasse | holzweg | erfolglos | vergeblich | unbrauchbar | untauglich | ungeeignet | unmöglich | nutzlos | aussichtslos | taugt\w* (?:\w+ )?nicht\w* | brachte? (?:\w+ )?nichts | bringt (?:\w+ )?nichts | verworfen | aufgegeben | aufgeben | zurückgenommen | rückgängig | fallen ?gelassen | raus(?:genommen|geworfen) | abgebrochen | abgestürzt | abst[uü]rz\w* | kaputt | bricht | brach | zu (?:langsam|groß|teuer|grob|ungenau|aufwendig|fehleranfällig|viel\w*|lang\w*|schwer\w*) | reicht\w* (?:\w+ )?nicht | half nicht | hilft nicht | verkraftet\w* (?:\w+ )?nicht | kam\w* (?:\w+ )?nicht weiter | (?:führt|führte|lief|läuft) (?:ins leere|zu nichts) | im sande? | wieder (?:ausgebaut|raus\w*|entfernt|verworfen) | zurück(?:gerollt|gedreht|gebaut|gesetzt) | stürzt\w* ab | hakt\w* | streikt\w* | überfordert\w* | fehlversuch | irrweg | zeitverschwendung | instabil | nicht weiter ?verfolgt | kein gangbarer | änder(?:t|te|n) (?:\w+ )?nichts | macht\w* keinen unterschied | (?:ohne|keine) wirkung""",
    fr=r"""échou\w+ | échec\w* | ne? (?:\w+ )?(?:marche|fonctionne|suffit|convient|tient|passe)\w* pas | n'a (?:pas|rien) (?:marché|fonctionné|donné|suffi|abouti|aidé|tenu|pu) | pas (?:marché|fonctionné|possible|viable|exploitable|tenable|concluant\w*) | impasse | sans (?:succès|résultat|issue) | en vain | inutilisable\w* | impossible\w* | inutile\w*
    abandonn\w+ | renonc\w+ | écarté\w* | rejeté\w* | annulé\w* | revenu\w* en arrière | retiré\w* | plante\w* | planté | casse\w* | cassé\w* | trop (?:lent|gros|lourd|cher|grossi|imprécis|fragile|long|compliqu)\w* | insuffisant\w* | incompatible\w* | fausse piste | mauvaise piste | voie sans issue | ne mène nulle part | n'(?:aboutit|a abouti|a mené|avance|a rien donné|accepte|arrive) | ne (?:mène|menait|supporte|supportait|passait|gère|gérait|donne|donnait|permet)\w* (?:pas|à rien|rien) | laissé tomber | machine arrière | marche arrière | instable\w* | peine perdue | coinc\w+ | bloqu\w+ | raté\w* | cul-de-sac | perte de temps | j'ai dû (?:retirer|annuler|revenir|renoncer|abandonner) | ne? (?:change|changeait)\w* rien | n'a rien changé | sans effet | aucun effet""",
    es=r"""fall(?:ó|a|aba|ado|aron|an) | fracas\w+ | no (?:\w+ )?(?:funcion|sirv|bast|val|aguant|cup|resist|ayud|avanz|convenc)\w+ | no (?:dio|da|ha dado|llev\w+|fue posible|era posible|es posible|es viable|pudo|puede|va) | callejón sin salida | sin (?:éxito|resultado) | en vano | inútil\w* | inservible\w* | imposible\w* | inviable\w*
    abandon\w+ | descart\w+ | desech\w+ | rechaz\w+ | revert\w+ | deshic\w+ | deshech\w+ | dejé de lado | renunci\w+ | romp\w+ | se cae | se cayó | se cuelga | colg\w+ | demasiado \w+ | insuficiente\w* | incompatible\w* | vía muerta | no (?:hubo|había|hay) (?:manera|forma) | no (?:llev|conduj|aport|sopor|admit|acept|encaj|cuadr|compens|merec|alcanz|escal|mejor)\w+ | se qued(?:ó|aba|a) (?:corto|sin|a medias|colgad) | peor\w* | inestable\w* | lent[oa]s? | me rendí | choc(?:a|aba|ó) con | marcha atrás | vuelta atrás | lo quité | lo retiré | la retiré | se me resistió | pérdida de tiempo | mala idea | no (?:cambi(?:a|ó) nada|tuvo (?:ningún )?efecto) | sin efecto""",
    pt=r"falh\w+ | fracass\w+ | não (?:funcion|serv|deu|ajud|bast)\w* | beco sem saída | em vão | inútil | impossível | inviável | abandon\w+ | descart\w+ | desist\w+ | revert\w+ | quebr\w+ | demasiado \w+ | muito lento | insuficiente",
    it=r"fallit\w+ | fallisc\w+ | non (?:funzion|ha funzion|basta|è bastat|regge|serve)\w* | vicolo cieco | invano | inutile | inutilizzabile | impossibile | abbandonat\w+ | scartat\w+ | annullat\w+ | rott\w+ | troppo \w+ | insufficiente",
    ru=r"""не (?:\w+ )?(?:сработал\w*|работает|работал\w*|помог\w*|помогает|подош[её]?л\w*|подходит|получил\w+|получается|вышл\w+|вышел|удал\w+|справ\w+|тянет|выдерж\w+|годит\w+|хват\w+|дал\w?|даёт|взлетел\w*|пошл\w|заработал\w*) | провал\w* | неудач\w+ | тупик\w* | тупиков\w+ | безуспешн\w+ | бесполезн\w+ | впустую | напрасн\w+ | невозможн\w+ | непригодн\w+ | отказал\w+ | отказыв\w+ | отбросил\w* | отброшен\w* | отверг\w* | забросил\w* | отменил\w* | откатил\w* | убрал\w* обратно
    сломал\w* | ломает\w* | упал\w* | падает | зависа\w+ | завис | вылет\w+ | слишком \w+ | недостаточ\w+ | несовместим\w+ | ошибочн\w+ путь | ни к чему | зашё?л в тупик | отказал\w+ | вернул\w* (?:обратно|назад|как было) | забраков\w+ | не прокат\w+ | не прошл?\w+ | захл[её]б\w+ | упира\w+ | упёрл\w+ | поэтому (?:убра\w+|отказ\w+|верну\w+|откат\w+|бросил\w*) | убра\w+ (?:е[ёго]+|это|их) | пришлось (?:откат|убрать|бросить|отказ|вернуть|отмен)\w* | без толку | нестабильн\w+ | хуже | неработ\w+ | не тян\w+ | отпал\w*""",
    ja=r"""失敗 | 駄目 | ダメ | だめ | 行き詰ま | 行き止まり | うまくい(?:か|きませ) | うまく(?:行|動)か | 動きませ | 動か[なず] | 動作しませ | 動作せず | 効果(?:が)?(?:なく|ありませ|なし) | 使えませ | 使えな | 使い物に | 不可能 | 不可 | できませんでした | できず | 断念 | 諦め | あきらめ | やめまし | 却下 | 撤回 | 取り下げ | 見送 | 元に戻し | 壊れ | 落ち(?:る|まし|て) | クラッシュ | 遅すぎ | すぎ(?:る|て|た|ます|まし) | 無理 | 耐えられ | 対応(?:でき|しておら|していな) | 役に立(?:た|ち) | 不十分 | 足りませ | 合いませ | 適しませ | 無駄 | 頓挫 | 挫折 | 捨て | やめた | ボツ | 詰まっ | 詰まり | 限界 | エラーにな | 不安定 | 見合わ | 効か | 効き | 無意味 | 空振り | 期待(?:どおり|通り)に | 回らな | 通りませ | 受け付け(?:な|ませ) | 外しました | 引き返""",
    zh=r"""(?:失败|报错|超时)(?:了|[，。！；,.!]|$) | 行不通 | 走不通 | 不行 | 不通 | 没用 | 无效 | 无济于事 | 不管用 | 不起作用 | 没起作用 | 没有(?:用|效果|成功|奏效) | 没能 | 未能 | 不奏效 | 不成功 | 死路 | 死胡同 | 不可行 | 不可用 | 不适合 | 不合适 | 放弃 | 弃用 | 否决 | 排除了 | 撤销 | 回退 | 撤回 | 崩溃 | 卡死 | 太慢 | 太大 | 太贵 | 太(?:脆弱|粗|重|长|多) | 撑不住 | 扛不住 | 处理不了 | 应付不了 | 不支持 | 不兼容 | 不够 | 白费 | 徒劳 | 无法 | 碰壁 | 没戏 | 作罢 | 废弃 | 弃了 | 不理想 | 不稳定 | 更糟 | 卡住 | 没走通 | 没跑通 | 跑不通 | 跑不起来 | 弯路 | 吃不消 | 舍弃 | 退回 | 还原 | 白搭 | 又?拿掉 | 撤掉 | 死锁 | 走不下去 | 用不了 | 做不到 | 承受不住 | 顶不住""",
    ko=r"""실패 | 안 ?(?:됐|되었|됩|돼|된|먹|통) | 되지 않 | 작동하지 않 | 동작하지 않 | 통하지 않 | 소용(?:이)? ?없 | 쓸모(?:가)? ?없 | 효과가 없 | 불가능 | 막다른 | 포기 | 버렸 | 폐기 | 접었 | 철회 | 되돌렸 | 기각 | 무리 | 깨졌 | 깨져 | 깨집 | 죽었 | 죽습 | 뻗 | 다운 | 너무 (?:느|크|비|무|많|길|거) | 부족 | 호환되지 | 맞지 않 | 지원하지 않 | 지원되지 않 | 감당하지 | 감당 못 | 처리하지 못 | 처리 못 | 헛수고 | (?<!확인하지 )(?<!검증하지 )못 ?(?:했|합|쓰|씁|썼|견) | 수 없(?:었|습|어) | 허사 | 물거품 | 막혔 | 막혀 | 버티지 | 먹히지 | 불안정 | 나빠 | 원복 | 되돌려 | 걷어냈 | 뺐습 | 관뒀 | 그만뒀 | 그만두 | 단념 | 역부족 | 엉망 | 터졌 | 터져 | 뻗었 | 거부 | 실패로 | 한계""",
)
"""Something was tried and did not work, or was given up."""

TRIED: Final = Concept(
    en=r"tr(?:ied|ying) | attempt\w* | experiment\w* | g[ai]v(?:e|ing) .{1,40} (?:a|another) (?:try|go|shot|chance)(?: as well)? | had a go | at first | first (?:i|we) | took .{1,40} (?:out|back) | (?:i|we) (?:then )?(?:removed|withdrew|dropped|reverted|undid) | approached | contacted",
    de=r"(?:aus|an)?(?:probiert\w*|getestet) | versuch\w* | zuerst | zunächst | erst hatte | wieder (?:\w+ )?(?:gestrichen|entfernt|herausgenommen|verworfen) | angefragt | angeschrieben",
    fr=r"(?:j'ai|nous avons|on a) (?:d'abord )?(?:essay|tent|test|approch|contact)é\w* | essai | tentative | d'abord | (?:je l'ai|j'ai) (?:donc )?(?:retiré|enlevé|annulé)\w*",
    es=r"prob[éó] | probamos | he probado | intent\w+ | prueba | primero | (?:lo|la) (?:quité|retiré|deshice) | retiré | contact[éo]",
    pt=r"tent\w+ | experiment\w+ | testei | primeiro | retirei | removi de novo | contactei",
    it=r"(?:ho|abbiamo) (?:provato|tentato) | tentativ\w+ | prova | all'inizio | (?:l'ho|ho) (?:tolto|rimosso|ritirato) | contattat\w+",
    ru=r"(?:по|ис)?пробова\w+ | пытал\w+ | попыт\w+ | провер(?:ил|ено)\w* | сначала | снял\w* | убрал\w* | обраща\w+с\w | связал\w+с\w",
    ja=r"試し | 試み | 試行 | やってみ | 最初は | 当初 | 打診 | 外し | 取り下げ",
    zh=r"试(?:了|过|着|图|验) | 尝试 | 起初 | 一开始 | 最初 | 验证过 | 联系过 | 撤下 | 撤回 | 拿掉",
    ko=r"시도 | 시험 | 해 ?봤 | 바꿔 ?봤 | 써 ?봤 | 처음에 | 연락해 | 거둬들 | 뺐",
)
"""Something was tried, or taken out again."""

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

STAND_IN: Final = Concept(
    en=r"placeholders?(?! (?:text|attribut|prop|colou?r|string|value)) | (?:mock|mocked|dummy|fake) (?:data|values?|responses?) | under construction",
    de=r"platzhalter\w* | attrappen? | beispieldaten | dummy-?daten",
    fr=r"données (?:fictives|factices) | factices? | bouchons? | en construction",
    es=r"marcador(?:es)? de posición | datos (?:ficticios|simulados|de relleno) | en construcción",
    pt=r"dados (?:fictícios|simulados) | em construção",
    it=r"segnapost[oi] | dati (?:fittizi|finti) | in costruzione",
    ru=r"заглуш\w+ | фиктивн\w+ данн\w+ | тестов\w+ данн\w+",
    ja=r"プレースホルダ | ダミー | 仮データ | 工事中",
    zh=r"占位 | 假数据 | 模拟数据 | 建设中",
    ko=r"플레이스홀더 | 더미 | 가짜 데이터 | 목업 데이터",
)
"""Something stands in for what is still to be built."""

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

MISSING_HEADING: Final = Concept(
    en=r"(?:remaining|outstanding|potential|unsolved) (?:issues?|problems?) | missing | gaps? | limitations? | risks? | caveats? | open (?:points?|issues?|questions?) | known | not (?:done|covered|included|implemented|working) | broken | incomplete | blockers? | warnings? | notes? | unresolved | failing | outstanding | unfinished",
    de=r"(?:verbleibende|restliche|mögliche)\w* probleme? | offen\w* | fehl\w* | lücken? | risik\w+ | einschränkung\w* | hinweise? | nicht \w+ | bekannte\w* | unvollständig\w* | achtung",
    fr=r"problèmes? (?:connus?|restants?|ouverts?) | manqu\w+ | limit\w+ | risques? | à noter | points? (?:ouverts?|d'attention|restants?) | non \w+ | remarques? | attention | incomplet\w*",
    es=r"problemas? (?:conocidos?|pendientes?|abiertos?) | faltan?\w* | limitaci\w+ | riesgos? | pendientes? | no \w+ | notas? | advertencias? | incomplet\w+",
    pt=r"problemas? (?:conhecidos?|pendentes?|abertos?) | falta\w* | limitaç\w+ | riscos? | pendente\w* | pendências? | não \w+ | notas? | atenção | incomplet\w+",
    it=r"problemi (?:noti|aperti) | manca\w* | limit\w+ | rischi | note | non \w+ | attenzione",
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

CONDITION: Final = Concept(
    en="if | should | unless | in case | whether | suppose",
    de="wenn | falls | sofern | sollte | ob",
    fr="si | s'il | s'ils | au cas où",
    es="si | en caso de",
    pt="se | caso",
    it="se | qualora",
    ru="если | в случае",
    ja="もし | 仮に",
    zh="如果 | 若 | 要是 | 假如 | 万一",
    ko="만약 | 만일",
)
"""What is only possible: "if it fails, ..."."""

DONE_HEADING: Final = Concept(
    en=r"done | did | chang(?:e|es|ed) | fix(?:es|ed) | added | updated | implemented | completed | summary | recap | how it works",
    de=r"erledigt | gemacht | geändert\w* | änderungen | umgesetzt | behoben | ergänzt | zusammenfassung | überblick",
    fr=r"faite?s? | modifi\w+ | ajout\w+ | corrig\w+ | changements? | résumé | récapitul\w+",
    es=r"hech[oa]s? | hice | cambi\w+ | correg\w+ | añad\w+ | realizad\w+ | resumen",
    pt=r"feit[oa]s? | fiz | mudanças? | altera\w+ | corrig\w+ | correç\w+ | resumo",
    it=r"fatt[oaie] | modific\w+ | corrett\w+ | aggiunt\w+ | riepilogo",
    ru=r"сделан\w* | сделал\w* | измен\w+ | исправ\w+ | добавлен\w* | итог\w*",
    ja=r"変更 | 修正 | 実施し | 実装し | 完了 | まとめ | 追加し | 対応内容",
    zh=r"完成 | 修改 | 改动 | 变更 | 总结 | 已 | 做了",
    ko=r"변경 | 수정 | 완료 | 요약 | 추가한 | 한 일",
)
"""The heading of a list of what was done."""
