r"""Words that editors of many countries use around an article. Data; `roles` and `citations` apply it.

One alternative a line, in regular expressions; case does not matter. `\W*` before the first word is understood in
the tables that say "begins".
"""

import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from shared.events import Role


def _any(alternatives: str, *, begins: bool = False) -> re.Pattern[str]:
    lines = [line.strip() for line in alternatives.splitlines() if line.strip()]
    body = "|".join(lines if begins else _gathered(lines))
    return re.compile((r"^\W*" if begins else "") + f"(?:{body})", re.IGNORECASE)


_ANCHORS = (r"^\W*", r"\b")
_ALTERNATIVE = re.compile(r"(?:\\.|\[(?:\\.|[^\]])*\]|\((?:\\.|\[[^\]]*\]|\((?:\\.|[^()\\])*\)|[^()\\])*\)|[^|])+")
"""Up to a bar outside of brackets; parentheses stand two deep at most."""


def _gathered(lines: Iterable[str]) -> Iterator[str]:
    """The same alternatives, with those that begin alike behind one anchor: it is then looked for once a character,
    not once an alternative, which makes searching several times as quick."""
    left = [found for line in lines for found in _ALTERNATIVE.findall(line)]
    for anchor in _ANCHORS:
        behind = [one.removeprefix(anchor) for one in left if one.startswith(anchor)]
        left = [one for one in left if not one.startswith(anchor)]
        if behind:
            yield f"{anchor}(?:{'|'.join(behind)})"
    yield from left


RELATED = _any(
    r"""
    related\b(?! to)|recommended\b|read (?:more|also|next|this next|on)\b|(?:also|must) read\b|see (?:also|more)\b
    more (?:from|on|in|about|stories|news|coverage|articles|posts|reading|like this)\b
    you (?:may|might|could)(?: also)?\b|don[’']t miss\b|up next\b|(?:stories )?(?:chosen )?for you\b
    (?:most|popular|latest|trending|top) (?:read|viewed|popular|shared|now|stories|posts|news|articles|videos)\b
    (?:popular|latest|trending)\W*$|(?:keep|continue|further) reading\b|external links\b|around the web\b
    (?:also|elsewhere) on\b|from (?:our|the) (?:partners|archives?)\b|previously(?: on)?:|watch(?: (?:more|next|also))?:
    in (?:other news|this (?:series|article|section))\b|tags?\b|tagged\b|topics?\b|themes?\b|regions?\b
    categor(?:y|ies)\b|filed (?:under|in)\b|posted in\b|sections?\b|subjects?\b|keywords?\b|share this\b
    about (?:us|the authors?)\b|(?:leave a |add a |post a )?(?:comments?|reply)\b|(?:table of )?contents\b
    lesen sie (?:auch|mehr|hierzu)\b|mehr (?:zum thema|dazu|lesen|von|aus)\b|weiterführende\b|weblinks\b|siehe auch\b
    schlagw(?:ort|örter)e?\b|themen?\b|rubriken?\b
    [àa] lire\b|(?:lire|voir) (?:aussi|également)\b|sur le même (?:sujet|thème)\b|mots[- ]clés\b|étiquettes\b
    liens externes\b|articles? (?:liés|connexes|recommandés)\b
    noticias? relacionadas?\b|te (?:puede|podría) interesar\b|le[ea] también\b|v(?:er|éase) también\b|enlaces externos\b
    etiquetas\b|temas\b|categorías?\b
    (?:leia|veja) (?:mais|também)\b|ver também\b|ligações externas\b|tópicos\b|assuntos\b
    leggi (?:anche|di più)\b|potrebbe(?:ro)? interessarti\b|altri progetti\b|collegamenti esterni\b|voci correlate\b
    argomenti\b
    lees (?:ook|meer|verder)\b|zie ook\b|externe links?\b|onderwerpen\b
    läs (?:mer|även|också)\b|se (?:även|också|også)\b|les (?:også|mer)\b|læs (?:også|mere)\b|externa länkar\b
    lue (?:myös|lisää)\b|czytaj (?:też|także|więcej)\b|zobacz (?:też|także|również)\b|linki zewnętrzne\b
    přečtěte\b|související\b|citește și\b|vezi și\b
    читайте (?:также|ещё|еще)\b|(?:см|смотрите)\.? также\b|по теме\b|теги\b|темы\b|ссылки\b|читайте також\b
    див\. також\b|посилання\b|ilgili\b|ayrıca bak
    関連|あわせて読み|外部リンク|相关|相關|延伸阅读|延伸閱讀|外部链接|外部連結|参见|參見|관련|외부 링크|같이 보기
    اقرأ (?:أيضا|المزيد)|مواضيع|وصلات خارجية|انظر أيضا
    קראו (?:גם|עוד)|ראו גם|קישורים חיצוניים
    यह भी पढ़ें|इन्हें भी देखें|baca juga\b|đọc thêm\b|xem thêm\b
    """,
    begins=True,
)
"""Begins a heading or label over pages that support nothing here."""

SOURCE = _any(
    r"""
    (?:our |primary |original |selected |cited )?sources?\b(?! of this article)|references?\b|(?:foot|end)notes?\b
    notes\b|bibliography\b|works cited\b|citations?\b|(?:notes|sources) and references\b|via\b
    quellen?(?:angaben?|verzeichnis)?\b|einzelnachweise\b|literatur(?:verzeichnis)?\b|fußnoten\b|belege\b
    fuentes?\b|referencias\b|notas\b|bibliografía\b|fontes?\b|referências\b|bibliografia\b|font[ei]\b|note\b
    références\b|notes et références\b|bibliographie\b|bron(?:nen)?\b|referenties\b|voetnoten\b
    källor?\b|referenser\b|fotnoter\b|kilder?\b|referanser\b|lähteet\b|viitteet\b|źródł[ao]\b|przypisy\b|zdroje?\b
    surs[ăe]\b|források?\b|jegyzetek\b|источники?\b|примечания\b|литература\b|джерел[оа]\b|примітки\b
    kaynak(?:lar|ça)?\b|πηγ(?:ή|ές)\b|παραπομπές\b
    出典|脚注|参考文献|参考资料|參考資料|注释|来源|來源|資料來源|출처|각주|참고
    المصادر|المراجع|مراجع|مصادر
    מקורות|הערות שוליים
    स्रोत|सन्दर्भ|संदर्भ|sumber\b|referensi\b|nguồn\b|tham khảo\b
    """,
    begins=True,
)
"""Begins a heading, line or link that says where something was taken from."""

_BYLINE = _any(
    r"""
    (?:articles?|stor(?:y|ies)|posts?|words?|text|opinion|analysis|photos?|photographs?|pictures?|images?|videos?|illustrations?|graphics?) by\b
    (?:written|reported|researched|edited|fact[- ]checked|reviewed|translated|produced|posted|published|submitted|contributed)(?: (?:and|&) \w+)? by\b
    by:? (?!the\b|an?\b|all\b|law\b|\w+ing\b|\d|(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|(?:early|late|mid|next|last)\b|(?:january|february|march|april|may|june|july|august|september|october|november|december)\b|(?:spring|summer|autumn|winter|noon|midnight|dawn|dusk|now|then|far|contrast|comparison|definition|default|chance|mistake|nature|design|virtue|way of|means of|order of|request|tradition|some|most|many|its?|his|her|their|our|this|that|these|those|one|two|three|mid-\w+)\b)(?=\w)|by:?$
    (?:authors?|editors?|reporters?|writers?|contributors?|photographers?|researchers?) ?[:|]
    (?:additional )?(?:reporting|writing|editing|research|photography|translation) (?:by|from)\b
    (?:von|par|por|di|door|av|af|od|przez|auteurs?|autore|redaktion|redaktør|mitarbeit|te[xks]te?n?|texto|testo|tekst|fotos?)\s*:
    autor(?:en|es|in|a)?\s*:|автор(?:ы|и)?\s*:|(?:текст|фото)\s*:
    (?:文|作者|記者|记者|撰文|編輯|编辑|写真|取材)\s*[:：/／]|(?:기자|글)\s*[:：=]|(?:كتب|بقلم)\b|מאת\b
    """,  # noqa: E501
    begins=True,
)

_ORIGIN = _any(
    r"""
    (?:original )?source of this article|\brepublished (?:from|here|with|under|courtesy)|\breprinted (?:from|with)
    (?:\b(?:this|our)|\bversions? of (?:this|the|an?)|^\W*(?:the )?(?:entire |original |full )?)\s*(?:\w+ ){0,2}(?:article|story|post|piece|essay|report|column|text)\b[^,.;]{0,60}\b(?:first|originally|previously) (?:published|appeared|posted|ran)\b
    ^\W*(?:first|originally|previously) (?:published|appeared|posted)\b|\bcross-?posted (?:from|at|on)\b|\bexported from\b
    \bread the original(?: article| story| post)?\b
    (?:dieser|der) (?:artikel|beitrag|text) (?:erschien|wurde) (?:zuerst|ursprünglich)
    (?:cet|l[’'])\s?article (?:a été|est) (?:initialement|d[’']abord|publié)
    (?:este|el) artículo (?:fue|se) (?:publicado|publicó) original|este artigo foi (?:originalmente )?publicado
    """  # noqa: E501
)
_COPYRIGHT = _any(r"©|\(c\)\s*\d{4}|copyright\s*(?:©|\(c\)|\d{4})|^\W*copyright\b[^.!?]{0,120}$")
_NOTICE = _any(
    r"""
    ^\W*(?:disclaimer|haftungsausschluss)\b|\ball rights reserved\b(?=[^\S\n]*[.\n]|[\W_]*(?:$|\d|©|by\b))
    \b(?:this|our|the) (?:\w+ ){0,2}(?:site|page|article|blog|video|post|channel)\b.{0,60}\bcopyrighted material\b
    \bcopyrighted material\b.{0,300}\bfair use\b
    """
)

_LEGAL = _any(
    r"""
    ©|\(c\)\s*\d{4}|copyright\s*(?:©|\(c\)|\d{4})|\b(?:all|some) rights reserved
    alle rechte vorbehalten|tous droits réservés|todos l?os (?:derechos|direitos)
    tutti i diritti|alle rechten voorbehouden
    все права защищены|wszelkie prawa|kaikki oikeudet|版权所有|無断転載|무단\s*전재
    \b(?:under|by) (?:an?|the) (?:creative commons|cc[- ]by)|\blicen[sc]ed under
    creative commons (?:attribution|licen[sc]e)
    lizenz\b.{0,40}creative commons|creative commons.{0,40}lizenz|licence creative commons|licencia creative commons
    \bfair use"|\bpermission to (?:republish|reprint|cross)
    """
)
_PROMOTION = _any(
    r"""
    \b(?:sign(?:ing)?[- ]?up|register|subscrib(?:e|ing))\b.{0,60}?\b(?:for|to|now|today|here|newsletters?|e-?mails?|updates|alerts|podcast)\b
    \b(?:our|your|a|free|daily|weekly|my) (?:\w+ ){0,3}newsletters?\b
    ^\W*(?:subscribe|sign up|log ?in|sign ?in|register|donate|join)\b.{0,60}$
    \bbecom(?:e|ing) a (?:\w+ )?(?:member|subscriber|supporter|patron|donor)\b
    \b(?:please )?(?:support|donate to|help fund|contribute to) (?:our|us|this site|this work|independent)\b
    \bmake (?:a|your) (?:\w+[- ])*donation\b|\b(?:download|get) (?:our|the) (?:\w+ )?app\b
    \bterms (?:of (?:use|service)|(?:and|&) conditions)\b.{0,200}?\b(?:privacy|apply|agree)|\bour (?:privacy|cookie) policy\b
    ^\W*(?:privacy|cookie) (?:policy|notice|settings|preferences)\W*$
    \b(?:contact|write to|e-?mail|get in touch with|reach out to) us\b|^\W*(?:please )?join (?:us|our)\b
    \b(?:send|submit) (?:us )?(?:your |a )?(?:tips?|corrections?|feedback|questions?|letters?)\b
    \breport (?:an? )?(?:typos?|errors?)\b|\bcorrections? (?:policy|page)\b|\bmedia (?:inquir|enquir)
    \bour (?:editorial|ethics|fact[- ]checking|corrections) (?:standards|guidelines|polic(?:y|ies)|principles|process)\b
    \bclick here\b.{0,40}\b(?:support|donate|subscribe|join|sign|download|listen|buy)\b
    \blisten to .{0,80}\b(?:live|on demand|weekdays)\b|\baffiliate (?:links?|commission)|\bearn an? (?:small )?commission
    \bnewsletter (?:abonnieren|bestellen)|jetzt (?:abonnieren|anmelden|spenden)|\babonnieren sie|\bunterstützen sie uns
    \b(?:inscrivez|abonnez)-vous|\bje m[’']abonne|\bfaire un don|\bsoutenez-nous|\bsuscríbe(?:te|se)|\bhazte socio
    \binscreva-se|\bassine (?:a|o|já)|\biscriviti|\babbonati|\bword (?:lid|abonnee)|\bschrijf je in|\bmeld je aan
    \bprenumerera|подпи(?:шитесь|саться|сывайтесь)|підпис(?:уйтесь|атися)|订阅|訂閱|メルマガ|会員登録|구독|اشترك|सब्सक्राइब
    """  # noqa: E501
)
_SOCIAL = _any(
    r"""
    \b(?:follow|like|join|find|fan|watch|connect with) (?:us|me|him|her|them|the \w+|@\w+|[\w.' ]{2,40}) (?:on|at|via) (?:\w+ (?:and|or|,) )?(?:twitter|x\b|facebook|instagram|linkedin|youtube|telegram|mastodon|bluesky|threads|tiktok|whatsapp|google|apple|spotify|rss|social)
    ^\W*follow\b.{0,60}$|\bon (?:our|my) (?:facebook|twitter|instagram|telegram|whatsapp|youtube|social)\b
    \bcomment on\b.{0,80}\b(?:page|facebook|twitter)\b|\btweet me\b|@\w{2,} on (?:twitter|x|threads)
    ^\W*(?:share|tweet|pin|e-?mail|print|retweet)(?: (?:this|it|on|via|to|the|article|story|page)\b.{0,40})?$
    \b(?:seguinos|síguenos|siga-nos|suivez-nous|seguici|volg ons|folgen sie uns|följ oss|obserwuj nas)\b
    """  # noqa: E501
)
_TALK = _any(
    r"""
    ^\W*(?:leave|post|add|write|view|read|show|see) (?:a |your |the |all |\d+ )?(?:comments?|repl(?:y|ies)|responses?|discussion)\b
    ^\W*\d* ?comments?\W*$|\bjoin the (?:conversation|discussion)\b|^\W*(?:click|tap|scroll|swipe)\b.{0,30}$
    ^\W*(?:previous|next|older|newer|back|home|top|more|skip|return|menu|search|close|print|prev|continue|expand|jump)(?: (?:to|post|article|story|page|posts|articles|reading|entry|main|content|top|of|the|all|stories)\b){0,4}\W*$
    ^\W*(?:read|see|show|view|load) (?:more|all|less|full (?:story|article))\b.{0,60}$
    """  # noqa: E501
)

_CALL = _any(
    r"""
    ^\W*(?:buy|shop|order|book|get|apply|vote|watch|listen|start|join)(?: it)? now\W*$|^\W*create (?:an )?account\W*$|^\W*get started\W*$
    ^\W*(?:register|submit|reply|report|log ?out|subscribe|play|buy|shop|order|share|about|faqs?|help|jobs?|careers?|contact)\W*$
    ^\W*(?:download(?: (?:audio|pdf|now|here))?|learn more|find out more|more info(?:rmation)?|full (?:article|story))\W*$
    ^\W*powered by\b.{0,40}$|^\W*(?:read|subscribe to|get) (?:our|the) e-?(?:paper|edition)\b
    ^\W*jetzt (?:\w+ )?(?:unterstützen|mitmachen|lesen|kaufen|bestellen|testen|anmelden|spenden)\W*$|^\W*mehr (?:infos?|informationen|erfahren)\W*$
    ^\W*(?:weiterlesen|en savoir plus|lire la suite|leer más|seguir leyendo|saiba mais|continua a leggere|lees verder|läs mer|читать далее|подробнее)\W*$
    ^\W*(?:続きを読む|もっと見る|阅读全文|查看更多|더 ?보기)\W*$
    """  # noqa: E501
)


class Wording(NamedTuple):
    """A row: where it is found, the links have a role."""

    pattern: re.Pattern[str]
    role: Role
    kind: Literal["origin", "notice", "call"] = "origin"
    """Says where the text is from, or under what terms it stands, or asks the reader to do something."""


Stretch = Literal["block", "line", "sentence"]
WORDINGS: dict[Stretch, tuple[Wording, ...]] = {
    "block": (Wording(_NOTICE, "boilerplate", "notice"),),
    "line": (
        Wording(_ORIGIN, "boilerplate"),
        Wording(_COPYRIGHT, "boilerplate", "notice"),
        Wording(_BYLINE, "byline"),
    ),
    "sentence": (
        Wording(_ORIGIN, "boilerplate"),
        Wording(_CALL, "navigation", "call"),
        Wording(_SOCIAL, "share", "call"),
        Wording(_LEGAL, "boilerplate", "notice"),
        Wording(_PROMOTION, "boilerplate", "call"),
        Wording(_TALK, "navigation", "call"),
    ),
}
"""What a whole block, a short line or a sentence says of its links; a sentence, unless it is a claim with the words of
a notice or a call (`calls`).
"""

COURTEOUS = re.compile(
    r"(?:\W|\b(?:please|kindly|consider|so|and|but|then|bitte|svp|por favor|per favore)\b)*", re.IGNORECASE
)
"""All that stands before the verb of a call that begins its sentence."""
DECLARES = re.compile(r"(?:an?|the|our|my|all|some|terms|free|daily|weekly|fair|permission)\b", re.IGNORECASE)
"""Begins a sentence that states something, as no call does."""
PERSONS = re.compile(
    r"\b(?:[Ww]e|[Uu]s(?![-\w])|[Oo]urs?|[Yy]ou(?:rs?)?|[Mm]e|[Mm]y|[Ww]ir|[Uu]ns(?:er\w*)?|Sie|[Nn]ous|[Nn]os|[Nn]otre"
    r"|[Vv]ous|[Vv]os|[Vv]otre|[Nn]uestr[oa]s?|[Nn]osotros|[Nn]oss[oa]s?|[Vv]ocê|[Nn]ostr[aeio]|[Oo]ns|[Oo]nze|[Jj]ouw|[Oo]ss"
    r"|[Вв]ас|[Вв]ам|[Вв]аш\w*|[Нн]ас|[Нн]ам|[Нн]аш\w*)\b"
    r"|\w(?:[íi]bete|[íi]base|itevi|iviti|onati|uici|reva-se|ez-vous)\b|(?:шитесь|вайтесь|уйтесь)\b"
    r"|[您你]|我[们們]|(?:くだ|下)さい|세요|십시오|اشترك"
)
"""The publisher or the reader in the sentence: pronouns, and verb forms that ask."""
ACT = re.compile(
    r"\b(?:here|hier|ici|aquí|aqui|qui|здесь|тут|links?|forms?|formular|formulaire|newsletters?|members?(?:hip)?"
    r"|donat\w+|gifts?|subscri\w+|sign(?:ing)?[- ]?up|join\w*|apps?|e-?mails?|contact|our|us|your|republish\w*|policy"
    r"|licen[sc]es?"
    r"|images?|photos?|pictures?|create (?:an )?account)\b|@|^(?:https?://)?[\w-]+(?:\.[\w-]+)*\.[a-z]{2,12}(?:/\S*)?$",
    re.IGNORECASE,
)
"""An anchor that is the act itself: its verb, its thing, a bare `here`, an address."""
ACT_PATH = re.compile(
    r"(?:^|[^a-z])(?:contact|kontakt|contacto|subscri|abo(?:nn)?|newsletter|sign-?up|join|donat|spende|give|support|member"
    r"|register|log-?in|account|forms?|mail|apps?|share|follow)",
    re.IGNORECASE,
)
"""The address of a page on which something is done."""

SHOWN = _any(
    r"""
    (?:view|see) this (?:post|photo|video|tweet)|a (?:post|photo|video) shared by|watch this (?:post|video)
    sieh dir diesen beitrag|(?:ein )?beitrag geteilt|voir cette publication|une publication partagée
    ver esta publicación
    una publicación compartida|visualizza questo post|un post condiviso|ver essa foto|uma publicação compartilhada
    dit bericht (?:op|bekijken)|この投稿を|查看这篇帖子
    """,
    begins=True,
)
"""Begins what networks write around a post that is shown elsewhere."""
CREDIT = _any(
    r"""
    (?:photos?|photograph|images?|pictures?|illustration|artist|artwork|graphic|video|credits?|screenshot|courtesy|cc)(?: credits?| copyright| courtesy| source)?\s*(?:[:/©]|by\b|of\b|via\b)
    (?:fotos?|bild(?:quelle|nachweis)?|grafik|crédits?|photographie|fotografia|imagen|immagine|afbeelding|foto's|фото|写真|画像|图片|圖片)\s*[:/©|：]
    """,  # noqa: E501
    begins=True,
)
"""Begins a line that says who made a picture."""
NETWORK = re.compile(
    r"(?:facebook|twitter|x|instagram|linkedin|youtube|flipboard|pinterest|whatsapp|telegram|reddit|tumblr|mastodon"
    r"|bluesky|threads|tiktok|xing|vk|rss|google ?(?:plus|news)|apple news|e-?mail|print|copy link|pocket|line)",
    re.IGNORECASE,
)
LISTING_PATH = re.compile(
    r"/(?:tags?|tagg|tagged|topics?|themen?|thème|temas?|argoment[io]|onderwerp|ämne|emne|aihe|etiquetas?|label|labels|keywords?"
    r"|categor(?:y|ies)|kategorie|categorias?|catégorie|categoria|rubrik|rubrique|rubriche|hashtag|schlagwort|mot-cle|dossiers?"
    r"|search|suche|recherche|buscar|busca|cerca|zoeken|sok|haku|szukaj|поиск|теги?|tag-page)(?:/|\?|$)"
    r"|\?(?:[^&]*&)*?(?:q|s|query|search|tag|keyword|cat)=",
    re.IGNORECASE,
)
"""Pages of the own site that list others."""
HASHTAG_PATH = re.compile(r"/(?:hashtag|explore/tags)/[^/]+/?$", re.IGNORECASE)

BIOGRAPHY = _any(
    r"""
    \b(?:is|was|has been|are|works as) (?:an?|the|our|currently)?\s*(?:\w+[- ]){0,5}(?:reporter|writer|journalist|editor|correspondent|columnist|author|professor|fellow|producer|contributor|researcher|director|photographer|historian|founder|lecturer|analyst)\b
    \b(?:writes|covers|reports|edits|blogs|tweets) (?:about|on|for|at|from|the)\b
    \b(?:contact|follow|reach|e-?mail|find) (?:him|her|them|the author)\b
    \b(?:ist|arbeitet als|schreibt)\b.{0,40}\b(?:redakteur|journalist|autor)
    \b(?:est|es|è|é) (?:\w+ ){0,2}(?:journaliste|periodista|giornalista|jornalista)
    """  # noqa: E501
)
AUTHOR_PATH = re.compile(
    r"/(?:authors?|staff|by|writers?|reporters?|journalists?|contributors?|correspondents?|columnists?|profiles?"
    r"|people|team|autor(?:en|es|i)?|auteurs?|redaktion|person|bio)/[^/]+/?$|/@[\w.-]+/?$",
    re.IGNORECASE,
)

_MONTH = (
    r"(?:jan|feb|mar|mär|mrt|apr|may|mai|maj|mei|jun|jul|aug|ago|sep|set|oct|okt|out|nov|dec|dez|des|dic|déc|juin|juil"
    r"|août|avr|fév|ene|abr|янв|фев|мар|апр|мая|май|июн|июл|авг|сен|окт|ноя|дек|січ|лют|бер|кві|тра|чер|лип|сер|вер|жов"
    r"|лис|гру|sty|lut|kwi|cze|lip|sie|wrz|paź|lis|gru)\w*\.?"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th|er|\.)?"
_WEEKDAY = (
    r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch"
)
DATE = re.compile(
    rf"(?:(?:on|am|le|el|den|published|updated|posted|the|um|at|à|{_WEEKDAY})[,.:]?\s+)*"
    rf"(?:{_DAY}\s+(?:de\s+)?{_MONTH},?\s+(?:de\s+)?\d{{4}}|{_MONTH}\s+{_DAY},?\s+\d{{4}}"
    r"|\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})"
    r"(?:[,|\s·–-]*(?:at\s+|um\s+|à\s+)?\d{1,2}[:.h]\d{2}(?::\d{2})?(?:\s*[ap]\.?m\.?|\s*uhr)?(?:\s+[a-z]{2,4})?)?",
    re.IGNORECASE,
)
"""A date, with a weekday before or a time behind."""
