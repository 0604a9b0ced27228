# ruff: noqa: E501 - a table of phrases
"""Notices that qualify a whole page: corrections, retractions, withdrawals, editors' notes.

A notice is a new sentence that begins a block with one of the field's headings (`HEADS`), or states one of the field's
sentences (`STATEMENTS`), in folded form. Journalism's and publishing's own words: COPE retraction guidelines, NISO CREC
(RP-45) labels, newsrooms' correction policies, government withdrawal banners.
"""

import re
from collections.abc import Iterator, Sequence

from shared.text.normalise import fold, folded
from shared.text.sentences import spans

_THING = (
    r"(?:article|story|report|paper|post|page|piece|study|column|review|interview|blog|video|podcast|item|text|statement|release|"
    r"publication|document|dataset|guidance|advice|notice|headline|chart|graphic|caption|transcript|entry|preprint|version)"
)
_UNDONE = (
    r"(?:retracted|withdrawn|corrected|unpublished|taken down|removed (?:because|due|for|after|at the request)|amended to correct|"
    r"revised to correct|changed to correct|edited to correct|updated to (?:correct|clarify|fix|remove|reflect (?:a|the|that) correction)|"
    r"superseded|rescinded|disputed|discredited|found to be (?:false|inaccurate|fabricated))"
)
HEADS: dict[str, str] = {
    "en": r"corrections?(?: (?:appended|notice|added|made|issued|posted|and clarifications?|to this \w+)(?: on\b.*)?)?|corrected|clarifications?|erratum|errata|corrigend(?:um|a)|"
    r"retract(?:ion|ed)(?: (?:note|notice|article|paper|statement))?|withdrawn|withdrawal(?: notice)?|removal notice|"
    r"(?:an? )?(?:editor|editors|publisher|author|publishers|authors)(?:'s?)? (?:note|correction)|editorial (?:note|notice)|"
    r"note (?:to|for) (?:our )?readers|note from the editors?|expression of concern|notice of (?:retraction|withdrawal|correction|concern)",
    "de": r"korrektur(?:hinweis)?|korrigiert|berichtigung|richtigstellung|klarstellung|gegendarstellung|widerruf|zuruckgezogen|zurückgezogen|"
    r"(?:anmerkung|hinweis|notiz) (?:der|von der) redaktion|redaktioneller hinweis|anm\. d\. red\.?|in eigener sache|transparenzhinweis|erratum",
    "fr": r"correction|correctif|rectificatif|rectification|erratum|mise au point|retractation|rétractation|article retire|article retiré|"
    r"note (?:de la redaction|de la rédaction|de l'editeur|de l'éditeur)|ndlr|precision|précision|droit de reponse|droit de réponse",
    "es": r"correcci[oó]n(?:es)?|fe de (?:errores|erratas)|rectificaci[oó]n|aclaraci[oó]n|retractaci[oó]n|art[ií]culo retirado|retirado|"
    r"nota (?:del editor|de la redacci[oó]n|de los editores|a los lectores)|n\. ?de la r\.?",
    "it": r"correzione|rettifica|errata corrige|precisazione|ritrattazione|nota (?:della redazione|del redattore|dell'editore)|articolo ritirato",
    "pt": r"correção|correcao|errata|retificação|retratação|nota (?:da redação|do editor|de correção)|artigo retirado",
    "nl": r"correctie|rectificatie|rechtzetting|noot van de redactie|aanvulling en verbetering|ingetrokken",
    "ru": r"исправление|поправка|опровержение|уточнение|от редакции|примечание редакции|статья отозвана|отозвано|ретракция",
    "pl": r"sprostowanie|korekta|errata|od redakcji|wycofano|artykuł wycofany",
    "sv": r"rättelse|korrigering|förtydligande|rettelse|korreksjon|præcisering|berigtigelse|oikaisu",
    "cs": r"oprava|omluva|poznámka redakce|düzeltme|tekzip",
    "zh": r"更正|勘误|勘誤|撤稿|撤回|编者按|編者按|訂正|お詫び(?:と訂正)?|정정|철회",
}  # fmt: skip
STATEMENTS: dict[str, str] = {
    "en": rf"\b(?:this|the|our|that) (?:\w+ )?{_THING} (?:has|have|had|was|were|is|are) (?:now |since |also |later |subsequently |been |being |hereby )*{_UNDONE}"
    rf"|\b(?:earlier|previous|original|prior|initial|first|former) versions? of (?:this|the|our) (?:\w+ )?{_THING}"
    rf"|\b(?:has|have|is|was) (?:been )?(?:formally |hereby |now |officially )?(?:retracted|withdrawn) (?:by|at|on|from|because|due|after|following)\b"
    r"|\bwe (?:have |hereby |are |formally |sincerely )*(?:retract|withdraw|withdrew|withdrawing|retracting|apologi[sz]e for (?!(?:any|the|this) (?:inconvenience|delay|interruption|disruption))|regret (?:the|this|any) error|stand corrected)"
    rf"|\b(?:this|the|our) (?:\w+ )?{_THING} (?:mis(?:stated|identified|spelled|quoted|attributed|represented|characteri[sz]ed)|(?:incorrectly|wrongly|inaccurately|erroneously|mistakenly) \w+|should have (?:said|read|stated)|contained (?:an? )?(?:\w+ )?(?:error|inaccura))"
    rf"|\b(?:no longer|do not|does not|can ?not|cannot) (?:stand|stands) by (?:this|the|our) {_THING}"
    rf"|\bshould no(?:t|(?: )?longer) be (?:cited|relied|used as)|\b(?:serious )?doubts? (?:about|on|over) the (?:accuracy|reliability|integrity|validity) of (?:this|the) {_THING}"
    r"|\bnote: this (?:article|story|report|page|guidance) (?:is out of date|has been superseded)",
    "de": r"\b(?:fruheren|früheren|vorherigen|ersten|ursprunglichen|ursprünglichen|alteren|älteren) (?:version|fassung)\b"
    r"|\b(?:dieser|der|diesen|den) (?:artikel|beitrag|text|bericht|aufsatz|studie) (?:wurde|haben wir|ist) (?:\w+ ){0,4}(?:zuruckgezogen|zurückgezogen|korrigiert|berichtigt|geloscht|gelöscht|entfernt|offline genommen|depubliziert)"
    r"|\b(?:wir haben (?:den|das|dies|die) \w+ (?:\w+ )?(?:korrigiert|berichtigt)|wir bitten (?:den fehler |dies )?(?:um entschuldigung|zu entschuldigen)|hieß es (?:hier|an dieser stelle) (?:zunachst|zunächst|falschlich|fälschlich))",
    "fr": r"\bune (?:version|premiere version|première version) (?:precedente |précédente |anterieure |antérieure |initiale )?de (?:cet|l') ?article|\b(?:cet|l') ?article a (?:ete|été) (?:corrige|corrigé|retire|retiré|modifie pour corriger|modifié pour corriger|depublie|dépublié|retracte|rétracté)"
    r"|\bnous (?:presentons|présentons) nos excuses|\bcontrairement (?:a|à) ce que nous (?:avions|avons) (?:ecrit|écrit|indique|indiqué)",
    "es": r"\b(?:una|la) (?:version|versión) (?:anterior|previa|inicial|original) de (?:este|esta|el|la) (?:articulo|artículo|noticia|nota|informacion|información|texto)|\b(?:este|esta|el) (?:articulo|artículo|noticia|nota|informacion|información|estudio) (?:ha sido|fue) (?:corregid|retirad|rectificad|retractad|eliminad)[oa]"
    r"|\b(?:pedimos|lamentamos) (?:disculpas|el error)",
    "it": r"\buna (?:versione precedente|precedente versione) di quest|\b(?:questo|l')? ?articolo (?:e|è) stato (?:corretto|ritirato|rettificato|rimosso)|\bci scusiamo",
    "pt": r"\buma versão anterior dest[ea]|\b(?:este|esta|o) (?:artigo|texto|reportagem|matéria) foi (?:corrigid|retirad|retratad)[oa]",
    "nl": r"\b(?:eerdere|vorige) versie van dit|\bdit artikel is (?:gecorrigeerd|ingetrokken|verwijderd)",
    "ru": r"\bв (?:предыдущей|первоначальной|ранней|прежней) версии|\b(?:статья|публикация|материал|текст) (?:был[аои]? )?(?:отозван|исправлен|удален|снят)\w*|\bприносим (?:свои )?извинения|\bредакция (?:приносит|отзывает)",
    "pl": r"\bwe wcześniejszej wersji|\bartykuł został (?:wycofany|poprawiony|usunięty)|\bprzepraszamy za",
    "sv": r"\b(?:en )?tidigare version av|\bartikeln har (?:rättats|korrigerats|dragits tillbaka)|\b(?:en )?tidligere (?:versjon|version) av",
    "zh": r"本文(?:已|此前|早先|先前).{0,12}(?:更正|撤回|撤稿|错误|錯誤)|記事(?:を|の)(?:訂正|一部修正|取り消)",
}  # fmt: skip
_HEAD = re.compile(
    rf"^[\W_]{{0,4}}(?:update(?:d)?\W{{1,4}})?(?:{'|'.join(HEADS.values())})(?P<after>\s*(?:[:.\-!\])|,(]|$)| \(?\d)"
)
_STATEMENT = re.compile("|".join(STATEMENTS.values()))
LONGEST = 700
"""Characters of a sentence that can still be a notice."""
MOST_NEW = 400
"""New blocks that are looked at; a page with more of them is another page."""


def appeared(then: str, now: str) -> tuple[str, ...]:
    """Notices of `now` (original wording) that `then` had not."""
    found = [notice for block in _new_blocks(then, now) for notice in _notices(block)]
    return tuple(notice for notice in found if fold(notice) not in folded(then).text) if found else ()


def _new_blocks(then: str, now: str) -> Sequence[str]:
    """The first so many blocks that did not stand there. Few pages need folding for it: most blocks are the same."""
    before = set(then.split("\n"))
    new = [block for block in now.split("\n") if block not in before]
    if len(new) > MOST_NEW:
        known = folded(then).lines
        new = [block for block in new if fold(block) not in known]
    return new[:MOST_NEW]


def _notices(block: str) -> Iterator[str]:
    """The sentences of a block that are a notice; its first may be a heading, and then stands for the block."""
    for number, (start, end) in enumerate(spans(block[: 20 * LONGEST])):
        sentence = block[start:end]
        if len(sentence) > LONGEST:
            continue
        text = fold(sentence)
        if number == 0 and _is_head(text):
            yield block[:LONGEST]
            return
        if _STATEMENT.search(text):
            yield sentence


def _is_head(text: str) -> bool:
    """`Correction: …`, `RETRACTED - …`, or a heading by itself; not `Correction of the market continues`."""
    return _HEAD.match(text) is not None
