"""Resources that go with the matches: `_include`, `_revinclude`, `:iterate`. FHIR R4 3.1.1.5.4."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from fhir_server.auth.access import permit
from fhir_server.definitions.elements import resource_types
from fhir_server.errors import NotPermitted, TooCostly
from fhir_server.interactions.context import Context
from fhir_server.interactions.visibility import sees, visible
from fhir_server.search.criteria import Inclusion, Keys
from fhir_server.search.mongo_filter import to_stages
from fhir_server.search.query import SearchQuery
from fhir_server.store.searching import Match

_ROUNDS = 10
"""How often `:iterate` goes on; a chain of parts of parts longer than that is refused."""

_AT_ONCE = 50


class Including:
    """Finds what one page of matches brings along."""

    def __init__(self, context: Context, now: datetime) -> None:
        self._context = context
        self._now = now
        self._store = context.server.store
        self._session = context.unit.session if context.unit is not None else None
        self._limit = context.server.settings.include_limit

    async def included(
        self, matches: Sequence[Match], inclusions: Sequence[Inclusion]
    ) -> list[Match]:
        """Each once, none that is a match already. Raises `TooCostly` above the limit."""
        seen = {one.stored.reference for one in matches}
        found: list[Match] = []
        fresh: Sequence[Match] = matches
        wanted: Sequence[Inclusion] = inclusions
        for _ in range(_ROUNDS):
            made = [one for one in await self._round(fresh, wanted) if self._new(one, seen)]
            found += made
            if len(found) > self._limit:
                raise TooCostly(
                    f"This page would include over {self._limit} resources. Ask for fewer matches "
                    "with _count, or for less to include."
                )
            wanted = [one for one in inclusions if one.iterate]
            fresh = made
            if not fresh or not wanted:
                return found
        raise TooCostly(f"_include:iterate goes on for over {_ROUNDS} rounds.")

    def _new(self, match: Match, seen: set[str]) -> bool:
        new = match.stored.reference not in seen
        seen.add(match.stored.reference)
        return new

    async def _round(
        self, matches: Sequence[Match], inclusions: Sequence[Inclusion]
    ) -> list[Match]:
        found: list[Match] = []
        forward = [one for one in inclusions if not one.reverse]
        if forward:
            found += await self._forward(matches, forward)
        for one in inclusions:
            if one.reverse:
                found += await self._backward(matches, one)
        return found

    async def _forward(
        self, matches: Sequence[Match], inclusions: Sequence[Inclusion]
    ) -> list[Match]:
        local: dict[str, None] = {}
        urls: dict[str, None] = {}
        for match in matches:
            for one in inclusions:
                for target in self._targets_of(match, one):
                    (urls if ":" in target else local)[target] = None
        found = await self._store.searching.current(
            [one for one in local if self._may_read(one.partition("/")[0])], self._session
        )
        found = [one for one in found if await sees(self._context, one.stored, "r")]
        found += await self._by_url(list(urls), inclusions)
        return found

    def _targets_of(self, match: Match, one: Inclusion) -> Iterable[str]:
        type = match.stored.type
        if one.source not in ("*", type):
            return
        codes = self._codes(type) if one.code == "*" else (one.code,)
        base = f"{self._context.base}/"
        for key in match.keys:
            code, sign, target = key.partition("=")
            if not sign or code not in codes:
                continue
            local = target.removeprefix(base)
            if ":" in local or one.target in (None, local.partition("/")[0]):
                yield local.partition("/_history/")[0]

    def _codes(self, type: str) -> frozenset[str]:
        offered = self._store.registry.offered(type)
        return frozenset(code for code, one in offered.items() if one.type == "reference")

    async def _by_url(self, urls: list[str], inclusions: Sequence[Inclusion]) -> list[Match]:
        """What canonical references name: resources here with that url."""
        if not urls:
            return []
        targets = {one.target for one in inclusions if one.target} or set(resource_types())
        types = tuple(
            type
            for type in sorted(targets)
            if "url" in self._store.registry.offered(type) and self._may_read(type)
        )
        return await self._having([f"url={url}" for url in urls], types)

    async def _backward(self, matches: Sequence[Match], one: Inclusion) -> list[Match]:
        if one.target is not None:
            matches = [match for match in matches if match.stored.type == one.target]
        if not matches:
            return []
        # To find what refers to a match is to search its type: a reference that is followed names
        # what it leads to, here nothing does. SMART App Launch 2.2, scopes for FHIR resources.
        types = (one.source,) if one.source != "*" else tuple(sorted(resource_types()))
        types = tuple(type for type in types if self._may_read(type) and self._may_search(type))
        codes = {code for type in types for code in self._codes(type)}
        if one.code != "*":
            codes = {one.code}
        elif one.source == "*":
            codes = self._possible(types, {match.stored.type for match in matches})
        base = self._context.base
        references = [match.stored.reference for match in matches]
        forms = [form for ref in references for form in (ref, f"{base}/{ref}")]
        keys = [f"{code}={form}" for code in sorted(codes) for form in forms]
        found = await self._having(keys, types, "rs")
        if one.code == "*":
            return [match for match in found if self._refers(match, set(forms))]
        return found

    def _possible(self, types: Iterable[str], targets: set[str]) -> set[str]:
        """The codes of the reference parameters that may point at any of the types."""
        return {
            code
            for type in types
            for code, one in self._store.registry.offered(type).items()
            if one.type == "reference" and (not one.targets or one.targets & targets)
        }

    def _refers(self, match: Match, forms: set[str]) -> bool:
        codes = self._codes(match.stored.type)
        pairs = (key.partition("=") for key in match.keys)
        return any(code in codes and target in forms for code, _, target in pairs)

    async def _having(
        self, keys: list[str], types: tuple[str, ...], letters: str = "r"
    ) -> list[Match]:
        if not types:  # to a search that would be every type
            return []
        found: list[Match] = []
        for start in range(0, len(keys), _AT_ONCE):
            wanted = Keys(tuple(keys[start : start + _AT_ONCE]))
            own = [
                part
                for letter in letters
                for part in await visible(self._context, types, letter, (wanted,))
            ]
            query = SearchQuery(types=types, criteria=(wanted, *dict.fromkeys(own)))
            page = await self._store.searching.page(
                to_stages(query, self._context.base, self._now),
                query.sort,
                count=self._limit + 1 - len(found),
                session=self._session,
            )
            found += page.matches
            if len(found) > self._limit:
                break
        return found

    def _may_read(self, type: str) -> bool:
        return self._may(type, "read")

    def _may_search(self, type: str) -> bool:
        return self._may(type, "search-type")

    def _may(self, type: str, interaction: str) -> bool:
        try:
            permit(self._context.caller, type, interaction)
        except NotPermitted:
            return False
        return True
