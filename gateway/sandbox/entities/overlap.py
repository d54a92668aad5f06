"""Entities that cross each other, resolved as TDLib does (MessageEntity.cpp, fix_entities, merge_new_entities)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from .entity import PREFORMATTED, QUOTES, SPLITTABLE, Entity, ordered


def resolved(entities: list[Entity]) -> list[Entity]:
    """Drop or cut entities until they only nest, and never inside code."""
    entities = ordered([entity for entity in entities if entity.length > 0])
    return entities if _is_nested(entities) else _resplit(*_families(entities))


def merged(entities: list[Entity], found: list[Entity]) -> list[Entity]:
    """Add entities found in the text where nothing else stands."""
    if not found:
        return entities
    continuous, quotes, splittable = _families(entities)
    kept = [f for f in found if not any(f.offset < c.end and c.offset < f.end for c in continuous)]
    kept = _outside_quote_edges(kept, quotes)
    return _resplit(continuous + kept, quotes, splittable)


def _families(entities: Iterable[Entity]) -> tuple[list[Entity], list[Entity], list[Entity]]:
    continuous: list[Entity] = []
    quotes: list[Entity] = []
    splittable: list[Entity] = []
    for entity in entities:
        family = splittable if entity.type in SPLITTABLE else quotes if entity.type in QUOTES else continuous
        family.append(entity)
    return continuous, quotes, splittable


def _is_nested(entities: list[Entity]) -> bool:
    stack: list[Entity] = []
    ends: dict[str, int] = {}
    for entity in entities:
        while stack and entity.offset >= stack[-1].end:
            stack.pop()
        if not all(_may_hold(outer, entity) for outer in stack):
            return False
        if entity.type in SPLITTABLE:
            if ends.get(entity.type, -1) >= entity.offset:
                return False
            ends[entity.type] = entity.end
        stack.append(entity)
    return True


def _may_hold(outer: Entity, inner: Entity) -> bool:
    if inner.end > outer.end or outer.type in PREFORMATTED:
        return False
    if outer.type in SPLITTABLE:
        return inner.type not in PREFORMATTED
    return inner.type not in QUOTES if outer.type in QUOTES else inner.type in SPLITTABLE


def _resplit(continuous: list[Entity], quotes: list[Entity], splittable: list[Entity]) -> list[Entity]:
    quotes = _without_crossings(quotes)
    continuous = _outside_quote_edges(_without_crossings(continuous), quotes)
    others = ordered(continuous + quotes)
    return ordered(others + _split(splittable, others))


def _without_crossings(entities: list[Entity]) -> list[Entity]:
    kept: list[Entity] = []
    for entity in ordered(entities):
        if not kept or entity.offset >= kept[-1].end:
            kept.append(entity)
    return kept


def _outside_quote_edges(entities: list[Entity], quotes: list[Entity]) -> list[Entity]:
    def stands(entity: Entity, quote: Entity) -> bool:
        apart = entity.end <= quote.offset or quote.end <= entity.offset
        return apart or (quote.offset <= entity.offset and entity.end <= quote.end)

    return [entity for entity in entities if all(stands(entity, quote) for quote in quotes)]


def _split(splittable: list[Entity], others: list[Entity]) -> list[Entity]:
    runs = _runs(splittable)
    cuts = sorted({run.offset for run in runs} | {edge for other in others for edge in (other.offset, other.end)})
    code = [other for other in others if other.type in PREFORMATTED]
    pieces = []
    for run in runs:
        edges = [run.offset, *(cut for cut in cuts if run.offset < cut < run.end), run.end]
        pieces += [run.spanning(start, end) for start, end in pairwise(edges)]
    return [piece for piece in pieces if not any(c.offset <= piece.offset and piece.end <= c.end for c in code)]


def _runs(splittable: list[Entity]) -> list[Entity]:
    last: dict[str, Entity] = {}
    done: list[Entity] = []
    for entity in ordered(splittable):
        run = last.get(entity.type)
        if run is None:
            last[entity.type] = entity
        elif entity.offset <= run.end:
            last[entity.type] = run.spanning(run.offset, max(run.end, entity.end))
        else:
            done.append(run)
            last[entity.type] = entity
    return done + list(last.values())
