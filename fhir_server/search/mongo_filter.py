"""A parsed search as a MongoDB filter on the `resources` collection (plain data, no driver)."""

from __future__ import annotations

from typing import Any

from fhir_server.dates import Range, parse_range
from fhir_server.errors import InvalidParameter
from fhir_server.search.query import Clause, SearchQuery, prefix_of, split, unescape
from fhir_server.search.text import KEY_LIMIT, fold, key

Filter = dict[str, Any]

_BY_SELECTIVITY = ("reference", "uri", "string", "token", "date")

# Sorts after every continuation of a prefix: U+10FFFF is no character of any text.
_BEYOND = "\U0010ffff"


def to_filter(query: SearchQuery, base: str = "") -> Filter:
    """The filter that finds exactly the current resources the query asks for.

    `base` is this server's own base URL: absolute references below it are local ones. Raises
    `InvalidParameter` for values that cannot be right.
    """
    conditions: list[Filter] = [{"type": query.type, "deleted": False}]
    conditions += [_clause(query.type, clause, base) for clause in query.clauses]
    return conditions[0] if len(conditions) == 1 else {"$and": conditions}


def to_stages(query: SearchQuery, base: str = "") -> list[Filter]:
    """The same search as `$match` stages of a pipeline, the one an index answers first.

    mongod joins the stages and plans as for `to_filter`. SecantusDB uses the `keys` index only for
    a `type` and one condition on `k` and nothing else: with the two apart, finding 2 of 4,000
    takes 3 ms instead of 108.
    """
    leading = min(query.clauses, key=_selectivity, default=None)
    first = _leading(query.type, leading, base) if leading is not None else None
    return [*([first] if first else []), to_filter(query, base)]


def _selectivity(clause: Clause) -> int:
    """Smaller finds fewer, as a rule of thumb: no statistics are kept."""
    if clause.parameter.code == "_id":
        return 0
    if clause.modifier in ("missing", "not"):
        return len(_BY_SELECTIVITY) + 1
    if clause.parameter.code == "identifier":
        return 1
    return _BY_SELECTIVITY.index(clause.parameter.type) + 2


def _leading(type: str, clause: Clause, base: str) -> Filter | None:
    """A condition that holds wherever the clause does, in the form that every planner indexes."""
    condition = _clause(type, clause, base)
    if "_id" in condition:
        return condition
    wanted = condition.get("k")
    if isinstance(wanted, str) or (isinstance(wanted, dict) and "$in" in wanted):
        return {"type": type, "k": wanted}
    if isinstance(wanted, dict) and "$elemMatch" in wanted:
        # Without $elemMatch two keys may meet one bound each: too many, which the next stage mends.
        return {"type": type, "k": wanted["$elemMatch"]}
    return None


def _clause(type: str, clause: Clause, base: str) -> Filter:
    code = clause.parameter.code
    if clause.modifier == "missing":
        return _missing(code, clause.values)
    if code == "_id":
        return {"_id": {"$in": [f"{type}/{unescape(value)}" for value in clause.values]}}
    kind = clause.parameter.type
    if kind == "date":
        return _any([_date(code, value) for value in clause.values])
    if kind == "string" and clause.modifier is None:
        return _any([_starts(code, unescape(value)) for value in clause.values])
    keys = [key(one) for value in clause.values for one in _keys(clause, value, base)]
    if clause.modifier == "not":
        return {"k": {"$nin": keys}}
    return {"k": keys[0] if len(keys) == 1 else {"$in": keys}}


def _any(filters: list[Filter]) -> Filter:
    return filters[0] if len(filters) == 1 else {"$or": filters}


def _missing(code: str, values: tuple[str, ...]) -> Filter:
    if values not in (("true",), ("false",)):
        raise InvalidParameter(f"{code}:missing takes true or false.")
    return {"k": {"$ne": f"?{code}"} if values == ("true",) else f"?{code}"}


def _keys(clause: Clause, value: str, base: str) -> list[str]:
    code, kind = clause.parameter.code, clause.parameter.type
    if kind == "token":
        return [code + _token(value)]
    if kind == "reference":
        return [f"{code}={one}" for one in _references(clause, unescape(value), base)]
    if kind == "string":
        return [f"{code}!{unescape(value)}"]
    return [f"{code}={unescape(value)}"]


def _token(value: str) -> str:
    parts = [unescape(part) for part in split(value, "|")]
    if len(parts) == 1:
        return f"=={parts[0]}"
    system, token = parts[0], "|".join(parts[1:])
    if not token:
        if not system:
            raise InvalidParameter("A token needs a code, a system, or both.")
        return f"={system}|"
    return f"={system}|{token}"


def _references(clause: Clause, value: str, base: str) -> list[str]:
    local = value.removeprefix(f"{base}/") if base else value
    if clause.modifier is not None:
        return [_typed(clause.parameter.code, clause.modifier, local)]
    if "/" in local or ":" in local:
        return [local]
    # Only an id: any of the types that the parameter may point at.
    return [f"{target}/{local}" for target in sorted(clause.parameter.targets)] or [local]


def _typed(code: str, type: str, local: str) -> str:
    if "/" not in local:
        return f"{type}/{local}"
    if f"/{type}/" not in f"/{local}":
        raise InvalidParameter(f"{code}:{type} takes the id or reference of a {type}.")
    return local


def _starts(code: str, value: str) -> Filter:
    folded = fold(value)
    if not folded:
        raise InvalidParameter(f"{code} takes text with at least one letter, digit or sign.")
    start = f"{code}~{folded}"
    if len(start) > KEY_LIMIT:
        raise InvalidParameter(f"{code} takes at most {KEY_LIMIT - len(code) - 1} characters.")
    return {"k": {"$elemMatch": {"$gte": start, "$lt": start + _BEYOND}}}


def _date(code: str, value: str) -> Filter:
    prefix, text = prefix_of(value)
    # A `+` in a query string arrives as a space when the client did not escape it.
    wanted = parse_range(unescape(text).replace(" ", "+"))
    if wanted is None:
        raise InvalidParameter(f"{code} takes a date like 2026-01-31 or 2026-01-31T08:00:00Z.")
    if code == "_lastUpdated":
        return _last_updated(prefix, wanted)
    return {"r": {"$elemMatch": {"p": code, **_compare(prefix, wanted)}}}


def _compare(prefix: str, wanted: Range) -> Filter:
    """FHIR R4 3.1.1.4.5: what each prefix says of the stored range [lo, hi)."""
    begin, end = wanted
    comparisons: dict[str, Filter] = {
        "eq": {"lo": {"$gte": begin}, "hi": {"$lte": end}},
        "ne": {"$or": [{"lo": {"$lt": begin}}, {"hi": {"$gt": end}}]},
        "gt": {"hi": {"$gt": end}},
        "lt": {"lo": {"$lt": begin}},
        "ge": {"$or": [{"hi": {"$gt": end}}, {"lo": {"$gte": begin}}]},
        "le": {"$or": [{"lo": {"$lt": begin}}, {"hi": {"$lte": end}}]},
        "sa": {"lo": {"$gte": end}},
        "eb": {"hi": {"$lte": begin}},
    }
    return comparisons[prefix]


def _last_updated(prefix: str, wanted: Range) -> Filter:
    begin, end = wanted
    comparisons: dict[str, Filter] = {
        "eq": {"lu": {"$gte": begin, "$lt": end}},
        "ne": {"$or": [{"lu": {"$lt": begin}}, {"lu": {"$gte": end}}]},
        "gt": {"lu": {"$gte": end}},
        "lt": {"lu": {"$lt": begin}},
        "ge": {"lu": {"$gte": begin}},
        "le": {"lu": {"$lt": end}},
        "sa": {"lu": {"$gte": end}},
        "eb": {"lu": {"$lt": begin}},
    }
    return comparisons[prefix]
