# ruff: noqa: E501 - tables are easier to read in long lines
"""Words that carry facts, by language, as data: negations, hedges, months, numerals, scales, spellings of one word.

Keys are in folded form (`shared.text.normalise.fold`): caseless, `ß` as `ss`, `ё` as `е`. Languages: English, German,
French, Spanish, Russian; Italian, Portuguese, Dutch, Polish and the Scandinavian ones in part. For any other language
figures, capitals and marks still speak for themselves, and every difference in words counts.
"""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _values(text: str) -> dict[str, int]:
    """`one eins = 1` lines to a table."""
    rows = (line.rpartition("=") for line in text.strip().split("\n"))
    return {word: int(value) for words, _, value in rows for word in words.split()}


NEGATIONS = _words(
    """
    not no never none nor neither nobody nothing nowhere without denied denies deny denying refused refuses false falsely untrue
    nicht kein keine keiner keinen keinem keines nie niemals niemand niemanden nichts ohne weder bestritt bestreitet dementierte
    ne n' pas jamais aucun aucune personne rien sans ni nie
    no nunca jamas jamás ningún ningun ninguna ninguno nadie nada sin tampoco negó niega
    не ни нет никогда никто ничего без нельзя отрицает отрицал
    non mai nessun nessuno nessuna niente nulla senza não nunca nenhum nenhuma ninguém nada sem
    niet geen nooit niemand niets zonder inte ingen inget inga aldrig ikke ingen ingenting aldri nigdy nikt bez nic
    ei eivät değil hiç 不 没 沒 无 無 非 未 ない なかった ません
    """
)
HEDGES = _words(
    """
    may might could would should reportedly allegedly possibly perhaps maybe apparently probably likely unlikely suggest suggests
    suggested suggesting claim claims claimed hint hints hinted allege alleges alleged seem seems seemed appear appears appeared
    purportedly supposedly ostensibly presumably potentially arguably rumored rumoured unconfirmed
    vielleicht möglicherweise angeblich vermutlich offenbar könnte könnten dürfte dürften wohl womöglich mutmasslich eventuell
    wahrscheinlich scheinbar anscheinend soll sollen solle mag würde würden behauptet behauptete
    peut-être probablement apparemment prétendument pourrait pourraient aurait auraient semble semblent serait seraient
    vraisemblablement éventuellement possiblement présumé
    quizás quizá posiblemente supuestamente presuntamente aparentemente podría podrían probablemente habría habrían sería
    presunto supuesto parece
    возможно вероятно якобы предположительно может могут мог наверное видимо похоже
    forse probabilmente presumibilmente potrebbe talvez provavelmente alegadamente poderia misschien waarschijnlijk vermoedelijk
    """
)
STRENGTHS = tuple(
    _words(line)
    for line in """
    more fewer less
    increase increases increased rise rises rose risen grow grows grew grown fall falls fell fallen drop drops dropped decline declines declined decrease decreases decreased shrink shrank
    all every each most many some several few none any
    always often usually sometimes occasionally rarely seldom never
    must will shall should can could may might
    first last
    before after
    above below over under
    least most
    true false
    guilty innocent
    won lost
    confirmed denied claimed alleged
    mehr weniger
    stieg sank fiel gestiegen gesunken gefallen steigt sinkt
    alle viele manche einige wenige keine
    immer oft manchmal selten nie
    muss soll kann darf wird
    plus moins
    toujours souvent parfois rarement jamais
    más menos
    siempre menudo veces nunca
    больше меньше более менее
    все многие некоторые
    всегда часто иногда редко никогда
    """.strip().split("\n")
)
"""Rows of words that say how much, how often, how surely, or which way: one for another turns or weakens a statement."""
STRENGTH_ROW = {word: row for row in STRENGTHS for word in row}
MONTHS = {
    word: number
    for number, words in enumerate(
        (
            "january jan januar jänner janvier enero января январь gennaio janeiro januari stycznia styczeń",
            "february feb februar février febrero февраля февраль febbraio fevereiro februari lutego luty",
            "march mar märz mars marzo марта март março maart marca marzec",
            "april apr avril abril апреля апрель aprile kwietnia kwiecień",
            "may mai mayo мая май maggio maio mei maja maj",
            "june jun juni juin junio июня июнь giugno junho czerwca czerwiec",
            "july jul juli juillet julio июля июль luglio julho lipca lipiec",
            "august aug août agosto августа август augustus sierpnia sierpień",
            "september sep sept septembre septiembre сентября сентябрь settembre setembro września wrzesień",
            "october oct oktober okt octobre octubre октября октябрь ottobre outubro października październik",
            "november nov novembre noviembre ноября ноябрь novembro listopada listopad",
            "december dec dezember dez décembre diciembre декабря декабрь dicembre dezembro grudnia grudzień",
        ),
        1,
    )
    for word in words.split()
}
AMBIGUOUS_MONTHS = _words("may mar march mars mei maj jan nov dec sep")
"""Months only with a capital inside a sentence, or beside a figure: each is also another word, or a name."""
CAPITAL_MONTHS = _words("may march mar jan nov dec sep")
DAYS = _words(
    """
    monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag
    lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miércoles jueves viernes sábado domingo
    понедельник вторник среду среда четверг пятницу пятница субботу суббота воскресенье
    lunedì martedì mercoledì giovedì venerdì sabato domenica segunda-feira terça-feira quarta-feira quinta-feira sexta-feira
    maandag dinsdag woensdag donderdag vrijdag zaterdag zondag
    yesterday today tomorrow gestern heute hier aujourd'hui demain ayer hoy mañana вчера сегодня завтра
    """
)
UNITS = _values(
    """
    zero null zéro cero ноль нуль = 0
    one eins uno один одна одно = 1
    two zwei deux dos два две due dois twee = 2
    three drei trois tres три tre três drie = 3
    four vier quatre cuatro четыре quattro quatro = 4
    five fünf cinq cinco пять cinque vijf = 5
    six sechs seis шесть sei zes = 6
    seven sieben sept siete семь sette sete zeven = 7
    eight acht huit ocho восемь otto oito = 8
    nine neun neuf nueve девять nove negen = 9
    ten zehn dix diez десять dieci dez tien = 10
    eleven elf onze once одиннадцать undici = 11
    twelve zwölf douze doce двенадцать dodici doze twaalf = 12
    thirteen dreizehn treize trece тринадцать = 13
    fourteen vierzehn quatorze catorce четырнадцать = 14
    fifteen fünfzehn quinze quince пятнадцать = 15
    sixteen sechzehn seize dieciséis шестнадцать = 16
    seventeen siebzehn dix-sept diecisiete семнадцать = 17
    eighteen achtzehn dix-huit dieciocho восемнадцать = 18
    nineteen neunzehn dix-neuf diecinueve девятнадцать = 19
    """
)
TENS = _values(
    """
    twenty zwanzig vingt vingts veinte двадцать = 20
    thirty dreissig trente treinta тридцать = 30
    forty vierzig quarante cuarenta сорок = 40
    fifty fünfzig cinquante cincuenta пятьдесят = 50
    sixty sechzig soixante sesenta шестьдесят = 60
    seventy siebzig septante setenta семьдесят = 70
    eighty achtzig huitante ochenta восемьдесят = 80
    ninety neunzig nonante noventa девяносто = 90
    """
)
SCALES = _values(
    """
    hundred hundert сто ciento = 100
    thousand tausend mille mil тысяча тысяч тысячи tsd тыс = 1000
    million millions millionen mio mn mln millón millones миллион миллионов миллиона млн milione milioni milhão milhões miljoen = 1000000
    billion billions bn milliarde milliarden mrd milliard milliards миллиард миллиардов миллиарда млрд miliardo miliardi miljard bilhão bilhões = 1000000000
    trillion trillions tn billionen триллион триллионов = 1000000000000
    """
)
GLUED_SCALES = {"m": 10**6, "mn": 10**6, "mio": 10**6, "bn": 10**9, "b": 10**9, "k": 10**3, "tn": 10**12}
"""Written on the figure itself: `$5m`, `3bn`, `20k`."""


def _compounds() -> dict[str, int]:
    """Numbers from 20 to 99 that are written as one word, in languages that do so."""
    german = ["ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"]
    dutch = ["een", "twee", "drie", "vier", "vijf", "zes", "zeven", "acht", "negen"]
    italian = ["uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove"]
    swedish = ["ett", "två", "tre", "fyra", "fem", "sex", "sju", "åtta", "nio"]
    german_tens = ["zwanzig", "dreissig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"]
    dutch_tens = ["twintig", "dertig", "veertig", "vijftig", "zestig", "zeventig", "tachtig", "negentig"]
    italian_tens = ["venti", "trenta", "quaranta", "cinquanta", "sessanta", "settanta", "ottanta", "novanta"]
    swedish_tens = ["tjugo", "trettio", "fyrtio", "femtio", "sextio", "sjuttio", "åttio", "nittio"]
    found: dict[str, int] = {}
    for tens in range(20, 100, 10):
        de, nl, it, sv = (row[tens // 10 - 2] for row in (german_tens, dutch_tens, italian_tens, swedish_tens))
        found |= {nl: tens, sv: tens} | ({it: tens} if it != "venti" else {})  # which also means winds
        for unit in range(1, 10):
            small = italian[unit - 1]
            spelled = (
                f"{german[unit - 1]}und{de}",
                dutch[unit - 1] + ("ën" if dutch[unit - 1].endswith("e") else "en") + nl,
                (it[:-1] if small[0] in "uo" else it) + ("tré" if small == "tre" else small),
                sv + swedish[unit - 1],
            )
            found |= dict.fromkeys(spelled, tens + unit)
    return found


COMPOUNDS = _compounds()
ORDINALS = _values(
    """
    first = 1
    second = 2
    fourth = 4
    fifth = 5
    sixth = 6
    seventh = 7
    eighth = 8
    ninth = 9
    tenth = 10
    eleventh = 11
    twelfth = 12
    twentieth = 20
    """
)
"""As `1st` and `20th` are read; `third` is a share as well."""
QUANTITIES = _words(
    """
    minus dozen dozens half quarter third thirds double twice triple hälfte drittel viertel doppelt dutzend moitié tiers double douzaine
    mitad tercio doble docena половина треть четверть вдвое дюжина
    """
)
PERCENT = _words("percent prozent pourcent процентов процента процент procent percento")
AND = _words("and und et y и e en i og och")
CURRENCIES = {
    "$": "dollar",
    "€": "euro",
    "£": "pound",
    "¥": "yen",
    "₽": "рубль",
    "₹": "rupee",
    "₩": "krw",
    "₺": "lira",
    "₴": "hryvnia",
}
CURRENCY_NAMES = {
    **dict.fromkeys(
        ["dollars", "usd", "dólares", "dólar", "dolari", "dollari", "долларов", "доллара", "доллары"], "dollar"
    ),
    **dict.fromkeys(["euros", "eur", "euroa", "евро"], "euro"),
    **dict.fromkeys(["pounds", "gbp"], "pound"),
    **dict.fromkeys(["рублей", "рубля", "рубли", "rub"], "рубль"),
    **dict.fromkeys(["rupees", "inr"], "rupee"),
    "jpy": "yen",
}
"""Names and codes of currencies, by what their signs are called."""
SAME_WORDS = {
    "however": "but", "which": "that", "whilst": "while", "whereas": "while", "amongst": "among", "towards": "toward", "upon": "on",
    "afterwards": "afterward", "until": "till", "although": "though", "grey": "gray", "programme": "program",
    "programmes": "programs", "learnt": "learned", "tyre": "tire", "tyres": "tires", "judgement": "judgment", "okay": "ok",
    "skilful": "skillful", "approximately": "about", "roughly": "about", "around": "about", "whom": "who", "an": "a",
    "begun": "began", "acknowledgement": "acknowledgment", "ageing": "aging", "cheque": "check", "cheques": "checks",
    "plough": "plow", "sceptical": "skeptical", "usa": "us", "utilise": "use", "rund": "etwa", "ungefähr": "etwa", "circa": "etwa", "zirka": "etwa",
    "utilize": "use", "utilized": "used",
}  # fmt: skip
"""Copy-editing: one word for another that says the same."""
SAME_PHRASES = (
    ("in order to", "to"), ("so as to", "to"), ("a lot of", "many"), ("lots of", "many"), ("a number of", "several"),
    ("as well as", "and"), ("due to the fact that", "because"), ("owing to", "because of"), ("due to", "because of"),
    ("at the moment", "currently"), ("prior to", "before"), ("subsequent to", "after"), ("such as", "like"),
    ("per cent", "percent"), ("pour cent", "percent"), ("por ciento", "percent"), ("por cento", "percent"), ("per cento", "percent"),
    ("united states of america", "us"), ("united states", "us"), ("united kingdom", "uk"), ("great britain", "britain"),
    ("european union", "eu"), ("united nations", "un"), ("all of the", "all the"),
)  # fmt: skip
HARMLESS = _words(
    "a the that der die das den dem des ein eine einen einem einer le la les l' un une el los las lo un una o a il het de"
)
"""Words whose coming or going alone is copy-editing."""
CONTRACTIONS = {"n't": "not", "'re": "are", "'ve": "have", "'ll": "will", "'m": "am", "'d": "would"}
IRREGULAR = {"can't": "can not", "cannot": "can not", "won't": "will not", "shan't": "shall not", "ain't": "is not"}
S_IS = _words("it he she that there what who here where how this let")
"""Before `'s` it means `is` (or `has`); after any other word it is a genitive."""
SPELLINGS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(\w{3,})our(s|ed|ing|ite|able|ful|al|er|ers|hood|less|)$", r"\1or\2"),
        (r"(\w{3,})is(e|ed|es|ing|ation|ations|er|ers)$", r"\1iz\2"),
        (r"(\w{2,})ys(e|ed|es|ing)$", r"\1yz\2"),
        (r"(\w{3,})tre(s|d|)$", r"\1ter\2"),
        (r"(\w{2,}[aeiou])ll(ed|ing|er|ers)$", r"\1l\2"),
        (r"(\w{3,})ogue(s|)$", r"\1og\2"),
        (r"(\w{2,})ence$", r"\1ense"),
        (r"(\w*)(?:ae|oe)(\w{4,})$", r"\1e\2"),
    )
)
"""British and American spellings: the same word."""
FUNCTION_WORDS = _words(
    """
    the a an of in on at to for from by with and or but as is are was were be been being it its this that these those he she they
    we you i his her their our my your not no has have had do does did will would can could may might should shall must which
    who whom whose what when where why how than then there here also said says say so if while about after before between into
    over under during all any more most some such only just very both each other because through up down out off
    der die das den dem des ein eine einer einem einen eines und oder aber in im am an auf aus bei mit nach von vor zu zum zur
    für ist sind war waren wird werden wurde wurden hat haben hatte als auch nicht es er sie wir ich sich dass wie so nur noch
    durch über unter um wenn man kein keine ihr ihre sein seine dieser diese dieses
    le la les un une des du de et ou mais en dans sur par pour avec est sont était ont a au aux il elle ils elles nous vous que qui
    ce cette ces se sa son ses ne pas plus on d' l' qu' c' s' n' j'
    el los las unos unas del al y o pero con por para es son era fue ha han su sus lo se que no más como este esta esto
    и в во на с со по о об от до из за к у не что как это он она они мы вы был была было были но а или для бы же его ее их
    il lo gli di da che non per una nel della dei e os as um uma do da dos das em no na com para por het een van en op met voor
    w z na do i że się nie jest po od za o u
    """
)
"""Words that say nothing of what a sentence is about."""
REPORTING = _words(
    """
    source sources shows show showed according report reports reported reporting documented document earlier previously linked article
    articles noted notes wrote writes states stated described describes explained explains published study here
    laut berichtet bericht berichtete zufolge artikel selon rapporte article según informó informe сообщает сообщил согласно
    """
)
"""Words by which an article leads over to its source: about the citing, not about the matter."""
