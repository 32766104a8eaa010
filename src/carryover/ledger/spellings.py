"""Two spellings of the same word, each of which finds the other: simplified and traditional Chinese, Russian with and
without `ё`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, product
from typing import Final

_SIMPLIFIED: Final = "".join(
    """
    万与专业东丝两严丧个丰临为丽举义乌乐乔习乡书买乱争亏云亚产亩亲亿仅从仓仪们价众优会伟传伤伦伪体余佣侠侣侦侧侨
    俭债倾偿储儿党兰关兴养兽内冈册写军农冲决况冻净准凉减凑凤凭凯击凿刘则刚创删别剂剑剧劝办务动励劲劳势匀区医华协
    单卖卢卫却厂厅历厉压厌厕厦县参双发变叙叶号叹吓吕听启吴员响哑唤啸喷嘱团园围国图圆圣场坏块坚坛坝坟坠垄垒墙壮声
    壳处备复够头夹夺奋奖妆妇妈娱娄婴孙学宁宝实宠审宪宫宽宾对寻导寿将尔尘尝尽层届属岁岂岗岛岭峡币帅师帐帘带帮干并
    广庄庆库应庙废开异弃张弥弯弹强归当录彻径忆忧怀态总恋恒恶恼惊惧惨惯愤愿慑懒戏战户扑执扩扫扬扰抚抛抢护报担拟拢
    拥择挂挡挤挥损捡换据掷摄摆摇撑敌数斋断无旧时昼显晋晒晓暂术机杀杂权条来杨杰极构枪枫柜标栈栋栏树样桥档梦检楼横
    欢欧歼残毁毕气汇汉汤沟没泪泽洁浅测济浏浓涂润涨渊渐渔温湾湿溃满滤滥滨灭灯灵灾炉点炼烁烂烦烧热爱爷牵犹状独狭狮
    猎献环现珑琐电画畅疗疯症痒盐监盖盘矿码砖础确碍礼祷祸离种积称稳穷窃窍竖竞笔笼筑筛签简类粮紧纠红约级纪纯纲纳纵
    纷纸纹纺线练组细织终绍经结绕绘给络绝统继绩续维绵综绿缓编缘缩缴网罗罚罢职联聪肃胁胜脉脏脑脚脱脸艰艺节范荐荣药
    获营萧萨蓝虑虚虽蚀补衬袭装见观规视览觉触誉计订认讨让训议讯记讲许论设访证评识诉词译试诗诚话询该详语误说请诸诺
    读课谁调谅谈谊谋谓谢谱贝负贡财责败账货质贩购贯贴贵贷贸费贺资赋赏赖赚赛赞赠赵赶趋跃践车轨转轮软轻载较辅辆辈辉
    输辑边达迁过迈运还这进远违连迟适选递逻遗邓邮邻郑酱释里鉴针钉钟钢钥钱铁铜银链销锁锅错锡键镇镜长门闪闭问闲间闷
    闹闻阅队阳阴阵阶际陆陈险随隐难雾静页顶项顺须顾顿预领频题颜额风飞饭饮饰饱馆马驱驾验骂骗鱼鲁鲜鸟鸡鸭麦黄齐齿龄
    龙龟面后于划税讼骤绪纽饼饺饿绳绑绒绸诞诱谦谎谜谐谣贬贮赂赃赌赔踪辞辩逊郁酿钓钞钝钩钻铃铅铸铺锋锐锤锦闯闸阀阁
    阔颈颇颊颖飘饥饶馈驰驳驻驼骄骆骚鲸鹅鹰鸦讽诈诊诏诡诬诵诛陕韩韵顽顷颁颂饲蜡蚕蛮虾蚁蝇衅袄裤觅誊讥讳贤贱贼贿赁
    赎轧轰轴轿辖辙辫迹钙钠钮铝铲锈锚锯锻镀镶闽陨隶雏鸣鹊鹤纱缠缝缔缚聋肠肤肿胀胆胶脓腊腾舰舱苍苏苹茧荡荧莱莲葱蒋
    蔷虏虫蜗诅谨谬贞赢躯辐郸钧锥锣阐颤饯馅馊骏骡鲤鸥鸽鸿龚厢厨垫娇嫔岩巩帜庐庞悬悯惩惫惭戋拦拨拣拧挚挛挟捞搀搁搅
    摊敛昙晕枣枢柠柽栅桨桩梁榄榉橱毡泞泻泼浆浇浊涝涡涤涩渍渗滚滞滩潜澜濒炽烟烛焕犊狈狞狱猪猫玛玺瑶璎瓮疟疡痉瘫瘾
    癞皑皱眯睁瞒瞩矫砚硕硷秃秽穑窑窜窝筹篓篮篱籁粪纤纬绞绣缅缆缉缤缨耸聂聩胧脐腻艳芦苇茎荚荞莹蔼
    """.split()
)
_TRADITIONAL: Final = "".join(
    """
    萬與專業東絲兩嚴喪個豐臨為麗舉義烏樂喬習鄉書買亂爭虧雲亞產畝親億僅從倉儀們價眾優會偉傳傷倫偽體餘傭俠侶偵側僑
    儉債傾償儲兒黨蘭關興養獸內岡冊寫軍農衝決況凍淨準涼減湊鳳憑凱擊鑿劉則剛創刪別劑劍劇勸辦務動勵勁勞勢勻區醫華協
    單賣盧衛卻廠廳歷厲壓厭廁廈縣參雙發變敘葉號嘆嚇呂聽啟吳員響啞喚嘯噴囑團園圍國圖圓聖場壞塊堅壇壩墳墜壟壘牆壯聲
    殼處備復夠頭夾奪奮獎妝婦媽娛婁嬰孫學寧寶實寵審憲宮寬賓對尋導壽將爾塵嘗盡層屆屬歲豈崗島嶺峽幣帥師帳簾帶幫幹並
    廣莊慶庫應廟廢開異棄張彌彎彈強歸當錄徹徑憶憂懷態總戀恆惡惱驚懼慘慣憤願懾懶戲戰戶撲執擴掃揚擾撫拋搶護報擔擬攏
    擁擇掛擋擠揮損撿換據擲攝擺搖撐敵數齋斷無舊時晝顯晉曬曉暫術機殺雜權條來楊傑極構槍楓櫃標棧棟欄樹樣橋檔夢檢樓橫
    歡歐殲殘毀畢氣匯漢湯溝沒淚澤潔淺測濟瀏濃塗潤漲淵漸漁溫灣濕潰滿濾濫濱滅燈靈災爐點煉爍爛煩燒熱愛爺牽猶狀獨狹獅
    獵獻環現瓏瑣電畫暢療瘋癥癢鹽監蓋盤礦碼磚礎確礙禮禱禍離種積稱穩窮竊竅豎競筆籠築篩簽簡類糧緊糾紅約級紀純綱納縱
    紛紙紋紡線練組細織終紹經結繞繪給絡絕統繼績續維綿綜綠緩編緣縮繳網羅罰罷職聯聰肅脅勝脈臟腦腳脫臉艱藝節範薦榮藥
    獲營蕭薩藍慮虛雖蝕補襯襲裝見觀規視覽覺觸譽計訂認討讓訓議訊記講許論設訪證評識訴詞譯試詩誠話詢該詳語誤說請諸諾
    讀課誰調諒談誼謀謂謝譜貝負貢財責敗賬貨質販購貫貼貴貸貿費賀資賦賞賴賺賽贊贈趙趕趨躍踐車軌轉輪軟輕載較輔輛輩輝
    輸輯邊達遷過邁運還這進遠違連遲適選遞邏遺鄧郵鄰鄭醬釋裡鑒針釘鐘鋼鑰錢鐵銅銀鏈銷鎖鍋錯錫鍵鎮鏡長門閃閉問閒間悶
    鬧聞閱隊陽陰陣階際陸陳險隨隱難霧靜頁頂項順須顧頓預領頻題顏額風飛飯飲飾飽館馬驅駕驗罵騙魚魯鮮鳥雞鴨麥黃齊齒齡
    龍龜麵後於劃稅訟驟緒紐餅餃餓繩綁絨綢誕誘謙謊謎諧謠貶貯賂贓賭賠蹤辭辯遜鬱釀釣鈔鈍鉤鑽鈴鉛鑄鋪鋒銳錘錦闖閘閥閣
    闊頸頗頰穎飄飢饒饋馳駁駐駝驕駱騷鯨鵝鷹鴉諷詐診詔詭誣誦誅陝韓韻頑頃頒頌飼蠟蠶蠻蝦蟻蠅釁襖褲覓謄譏諱賢賤賊賄賃
    贖軋轟軸轎轄轍辮跡鈣鈉鈕鋁鏟鏽錨鋸鍛鍍鑲閩隕隸雛鳴鵲鶴紗纏縫締縛聾腸膚腫脹膽膠膿臘騰艦艙蒼蘇蘋繭蕩熒萊蓮蔥蔣
    薔虜蟲蝸詛謹謬貞贏軀輻鄲鈞錐鑼闡顫餞餡餿駿騾鯉鷗鴿鴻龔廂廚墊嬌嬪巖鞏幟廬龐懸憫懲憊慚戔攔撥揀擰摯攣挾撈攙擱攪
    攤斂曇暈棗樞檸檉柵槳樁樑欖櫸櫥氈濘瀉潑漿澆濁澇渦滌澀漬滲滾滯灘潛瀾瀕熾煙燭煥犢狽獰獄豬貓瑪璽瑤瓔甕瘧瘍痙癱癮
    癩皚皺瞇睜瞞矚矯硯碩鹼禿穢穡窯竄窩籌簍籃籬籟糞纖緯絞繡緬纜緝繽纓聳聶聵朧臍膩艷蘆葦莖莢蕎瑩藹
    """.split()
)
"""The common characters that differ, in the same order."""
_SEVERAL: Final = """
    面面麵 后後后 里裡裏里 干幹乾干 系系係繫 制制製 复復複 发發髮 志志誌 注注註 采採采 征徵征 周周週 台台臺
    松鬆松 卷捲卷 回回迴 症症癥 并並併 历歷曆 钟鐘鍾 尽盡儘 冲衝沖 汇匯彙 只只隻 于於于 云雲云 余餘余
    准準准 斗鬥斗 板板闆 获獲穫 向向嚮 表表錶 签簽籤 折折摺 启啟啓 线線綫 为為爲 众眾衆 游遊游 布布佈
    占占佔 托託托 致致緻 累累纍 谷谷穀 脏臟髒 账賬帳 岩岩巖 梁梁樑 佣傭佣 范範范 划劃划 闲閒閑 迹跡蹟
    咨諮咨 克克剋 借借藉
"""
"""Simplified characters with the traditional ones that they stand for, the most common first: 复 in 恢復 and 複製."""
_VARIANTS: Final = {each[0]: each[1:] for each in _SEVERAL.split()}
_TO_SIMPLIFIED: Final = str.maketrans(
    {of: simple for simple, variants in _VARIANTS.items() for of in variants if of not in _VARIANTS}
    | dict(zip(_TRADITIONAL, _SIMPLIFIED, strict=True))
)
_TRADITIONAL_OF: Final = dict(zip(_SIMPLIFIED, _TRADITIONAL, strict=True)) | _VARIANTS
_WITHOUT_YO: Final = str.maketrans("ёЁ", "еЕ")
_MOST: Final = 12
"""Traditional spellings of a term, whose characters may each have several."""


def spellings(words: Sequence[str]) -> list[Sequence[str]]:
    """Returns words as they are, then in the other spellings that they may have.

    >>> spellings(["错", "误"]), spellings(["till"])
    ([['错', '误'], ['錯', '誤']], [['till']])
    >>> spellings(["отчет"]), spellings(["передёрнут"]), spellings(["отчет", "тут"])
    ([['отчет'], ['отчёт']], [['передёрнут'], ['передернут']], [['отчет', 'тут']])
    """
    if all(map(str.isascii, words)):
        return [words]
    simplified = [word.translate(_TO_SIMPLIFIED) for word in words]
    traditional = islice(product(*(_TRADITIONAL_OF.get(word, (word,)) for word in simplified)), _MOST)
    found: list[Sequence[str]] = [words]
    for other in (simplified, *map(list, traditional), [word.translate(_WITHOUT_YO) for word in words]):
        if other not in map(list, found):
            found.append(other)
    if len(words) == 1 and len(found) == 1:  # a word has one `ё` at most
        word = words[0]
        found += [[f"{word[:at]}ё{word[at + 1 :]}"] for at, letter in enumerate(word) if letter in "еЕ"]
    return found
