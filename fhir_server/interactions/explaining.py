"""How a search is answered, for whoever asks with `_explain=true`.

One issue of severity information per step: the condition, the index that serves it, and how many
resources are left. Values of the search are repeated, so the answer goes to the caller alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fhir_server.errors import Issue
from fhir_server.interactions.context import Context
from fhir_server.interactions.visibility import visible
from fhir_server.resource import dumps
from fhir_server.search.mongo_filter import Filter, to_filter
from fhir_server.search.query import SearchQuery

_SHOWN = 5
"""Members of a list that are shown: a chain may find 2,000 keys."""

_INDEXES = {"k": "keys", "w": "words", "r": "ranges", "_id": "_id_", "c": "composites"}


async def explained(
    stages: Sequence[Filter], query: SearchQuery, context: Context
) -> tuple[Issue, ...]:
    """The steps of the plan, counted among what the caller may find: the rest is not told of."""
    own = await _seen(query, context)
    left = (await context.server.store.searching.explain([*own, *stages]))[len(own) :]
    steps = [
        _step(number, stage, count)
        for number, (stage, count) in enumerate(zip(stages, left, strict=True), 1)
    ]
    order = ", ".join(("-" if one.descending else "") + one.code for one in query.sort)
    served = "the index `updated`" if order == "-_lastUpdated" else "sorting what is left"
    return (*steps, _issue(f"Order: {order}, by {served}."))


async def _seen(query: SearchQuery, context: Context) -> list[Filter]:
    """The stage that leaves what the caller may find; none for who may find everything."""
    criteria = await visible(context, query.types, "s", query.criteria)
    if not criteria:
        return []
    own = SearchQuery(types=query.types, criteria=criteria)
    return [to_filter(own, context.base, context.server.store.now())]


def _step(number: int, stage: Filter, count: int) -> Issue:
    names = [name for name in stage if name in _INDEXES]
    index = _INDEXES[names[0]] if names else ("updated" if "type" in stage else "none: filtered")
    text = dumps(_plain(stage)).decode()
    return _issue(f"Step {number}: {text} by index {index}, {count} resources left.")


def _issue(text: str) -> Issue:
    return Issue("informational", text, severity="information")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list):
        shown = [_plain(member) for member in value[:_SHOWN]]
        return shown if len(value) <= _SHOWN else [*shown, f"and {len(value) - _SHOWN} more"]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
