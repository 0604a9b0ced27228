"""Notices that qualify a whole page: corrections, retractions, withdrawals, editors' notes, in several languages."""

import re

from shared.text.normalise import fold

NOTICES = re.compile(
    r"""
    ^\W{0,3}(?:
      correction(?:s|\ (?:appended|notice))?\b\s*(?:[:(\-]|\d) | corrections?\ and\ clarifications? | clarification\s*[:(\-]
      | (?:erratum|corrigendum|expression\ of\ concern)\b
      | retract(?:ed|ion)\b\s*(?:[:(\-\]]|article|notice|paper|statement) | withdrawn\s*[:(\-] | withdrawal\ notice
      | editor(?:'s|s'|s|ial)?\ note\s*[:(\-] | (?:publisher|author)'?s?\ (?:note|correction)\s*[:(\-] | update\ and\ correction
      | berichtigung\b | korrektur(?:hinweis)?\s*[:(\-] | richtigstellung\b | gegendarstellung\b | widerruf\b
      | anmerkung\ der\ redaktion\s*[:(\-] | hinweis\ der\ redaktion\s*[:(\-] | in\ einer\ früheren\ (?:version|fassung)
      | rectificatif\b | rectification\s*[:(\-] | correctif\b | erratum\b | note\ de\ la\ rédaction\s*[:(\-] | rétractation\b
      | corrección\s*[:(\-] | correcciones\s*[:(\-] | fe\ de\ (?:errores|erratas)\b | rectificación\b | retractación\b
      | nota\ (?:del\ editor|de\ la\ redacción|da\ redação|del\ redattore|della\ redazione)\s*[:(\-]
      | correção\s*[:(\-] | errata\s*[:(\-] | rettifica\b | errata\ corrige\b | rectificatie\b | correctie\s*[:(\-]
      | исправление\s*[:(\-] | опровержение\b | поправка\s*[:(\-] | от\ редакции\s*[:(\-] | sprostowanie\b | rättelse\b
      | rettelse\b | 訂正 | 更正 | 撤稿
    )
    | \b(?:article|story|paper|report|post|page|study)\ (?:has\ been|was|is)\ (?:retracted|withdrawn|corrected)
    | \bhas\ been\ (?:retracted|withdrawn)\ by\ (?:the\ )?(?:editors?|authors?|journal|publisher|editorial)
    | \b(?:an\ )?(?:earlier|previous)\ version\ of\ this\ (?:article|story|post|report|page)\ (?:misstated|incorrectly|wrongly|said|stated|gave|mis)
    | \bin\ einer\ (?:früheren|ersten)\ (?:version|fassung)\ (?:dieses|des)\ (?:artikels|textes|beitrags)
    | \bune\ version\ (?:précédente|antérieure)\ de\ cet\ article | \buna\ versión\ (?:anterior|previa)\ de\ este\ artículo
    | \bв\ (?:предыдущей|первоначальной)\ версии
    """,
    re.X,
)
LONGEST = 600
"""Characters of a block that can still be a notice."""


def notices(text: str) -> frozenset[str]:
    """The notices of a page: its blocks that are one, folded."""
    found = set()
    for block in text.split("\n"):
        if 8 <= len(block) <= LONGEST:
            folded = fold(block)
            if NOTICES.search(folded):
                found.add(folded)
    return frozenset(found)


def appeared(then: str, now: str) -> tuple[str, ...]:
    """Notices of `now` that `then` had not, in no other wording either."""
    before = fold(then)
    return tuple(sorted(notice for notice in notices(now) if notice not in before))
