"""`:in`, `:not-in`, `:above` and `:below` of tokens as lists of codes. FHIR R4 3.1.1.4.10.

Value sets and code systems stored here come first, then those of FHIR itself.
"""

from __future__ import annotations

from dataclasses import replace

from fhir_server.errors import InvalidParameter, NotSupported, TooCostly
from fhir_server.interactions.context import Context
from fhir_server.resource import Resource
from fhir_server.search.criteria import Clause
from fhir_server.search.values import split, unescape
from terminology import value_sets

CODE_LIMIT = 5000
"""Most codes of one value set or branch: each is a key to look up."""


class CodeLookup:
    """Looks codes up for one request."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def clause(self, clause: Clause) -> Clause:
        """The clause with codes instead of the modifier. Raises `NotSupported`, `TooCostly`."""
        pairs: dict[tuple[str, str], None] = {}
        for value in clause.values:
            if clause.modifier in ("in", "not-in"):
                found = await self._value_set(unescape(value))
            else:
                found = await self._branch(value, clause)
            pairs.update(dict.fromkeys(sorted(found)))
        if len(pairs) > CODE_LIMIT:
            raise TooCostly(f"More than {CODE_LIMIT} codes would have to be looked up.")
        values = tuple(f"{_escape(system)}|{_escape(code)}" for system, code in pairs)
        # A value set without a code still has to find nothing, or everything.
        modifier = "not" if clause.modifier == "not-in" else None
        return replace(clause, modifier=modifier, values=values or ("urn:none|none",))

    async def _value_set(self, name: str) -> frozenset[tuple[str, str]]:
        stored = await self._stored("ValueSet", name)
        if stored is None:
            built_in = value_sets.codes(name)
            if built_in is None:
                raise NotSupported(
                    "That value set is not stored here, or its codes cannot all be listed."
                )
            return built_in
        sets, systems = await self._parts(stored)
        expansion = value_sets.expand(
            stored,
            resolve_value_set=sets.get,
            resolve_code_system=systems.get,
        )
        if not expansion.complete:
            raise NotSupported("The codes of that value set cannot all be listed here.")
        return frozenset((system, code) for system, code in expansion.codes)

    async def _parts(
        self, value_set: Resource
    ) -> tuple[dict[str, Resource | None], dict[str, Resource | None]]:
        """The value sets and code systems stored here that a value set is made of."""
        sets: dict[str, Resource | None] = {}
        systems: dict[str, Resource | None] = {}
        waiting = [value_set]
        while waiting:
            compose = waiting.pop().get("compose", {})
            for part in [*compose.get("include", []), *compose.get("exclude", [])]:
                system = part.get("system")
                if system and system not in systems:
                    systems[system] = await self._stored("CodeSystem", system)
                for url in part.get("valueSet", []):
                    if url not in sets:
                        sets[url] = found = await self._stored("ValueSet", url)
                        waiting += [found] if found else []
        return sets, systems

    async def _branch(self, value: str, clause: Clause) -> frozenset[tuple[str, str]]:
        parts = [unescape(part) for part in split(value, "|")]
        if len(parts) != 2 or not all(parts):
            raise InvalidParameter(f"{clause.parameter.code}:{clause.modifier} takes system|code.")
        system, code = parts
        stored = await self._stored("CodeSystem", system)
        below = clause.modifier == "below"
        if stored is not None:
            tree = value_sets.hierarchy(stored)
            found = tree.descendants(code) if below else tree.ancestors(code)
        else:
            look = value_sets.descendants if below else value_sets.ancestors
            found = look(system, code)
        if found is None:
            raise NotSupported("That code, or the hierarchy of its system, is not known here.")
        return frozenset((system, one) for one in found | {code})

    async def _stored(self, type: str, name: str) -> Resource | None:
        url, _, version = name.partition("|")
        local = url.removeprefix(f"{self._context.base}/")
        wanted = (
            {"_id": local} if local.startswith(f"{type}/") else {"type": type, "k": f"url={url}"}
        )
        page = await self._context.server.store.search(
            {"$and": [wanted, {"deleted": False}]}, count=20
        )
        for one in page.entries:
            resource = one.resource()
            if not version or resource.get("version") == version:
                return resource
        return None


def _escape(text: str) -> str:
    for sign in ("\\", ",", "|", "$"):
        text = text.replace(sign, f"\\{sign}")
    return text
