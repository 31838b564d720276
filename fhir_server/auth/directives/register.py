"""The directives of the database, kept up with every write of one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from fhir_server.auth.directives.caller_facts import Members
from fhir_server.auth.directives.directives import Directives
from fhir_server.auth.directives.rule import Rule, local, rules_of
from fhir_server.resource import Resource
from fhir_server.store.directives import DirectiveStore

_STANDS_FOR = frozenset({"CareTeam", "Group", "PractitionerRole", "Organization"})


class DirectiveRegister:
    """What is asked at the beginning of every request. See `DirectiveStore` for how it knows."""

    def __init__(self, store: DirectiveStore) -> None:
        self._store = store
        self._revision = -1
        self._current = Directives({})
        self._lock = asyncio.Lock()

    async def current(self, revision: int | None = None) -> Directives:
        """The directives as of now: those of writes that ended before this call are among them.

        With `revision`, as of when the counter stood there, or later.
        """
        if revision is None:
            revision = await self._store.revision()
        if revision > self._revision:
            async with self._lock:
                if revision > self._revision:
                    self._current = await self._loaded()
                    self._revision = revision
        return self._current

    async def _loaded(self) -> Directives:
        known: dict[str, tuple[Rule, ...]] = {}
        changed: frozenset[str] | None = None
        if self._revision >= 0:
            changed = await self._store.changed(self._revision)
            known = {name: own for name, own in self._current.rules.items() if name not in changed}
        async for name, consent in self._store.directives(changed):
            rules = rules_of(consent)
            if rules:
                known[name] = rules
        return Directives(known, await self._members(known.values()))

    async def _members(self, rules: Iterable[tuple[Rule, ...]]) -> Members:
        named = {
            actor.reference
            for own in rules
            for rule in own
            for step in rule.steps
            for actor in step.actors
            if actor.reference.partition("/")[0] in _STANDS_FOR
        }
        found: dict[str, frozenset[str]] = {}
        async for resource in self._store.stored(named):
            found[f"{resource['resourceType']}/{resource['id']}"] = _members_of(resource)
        for one in named:
            if one.startswith("Organization/"):
                staff = [role async for role in self._store.roles_at(one)]
                found[one] = frozenset[str]().union(*(_members_of(role) for role in staff))
        return found


def _members_of(resource: Resource) -> frozenset[str]:
    """Those that a team, group or role stands for, by reference."""
    if resource["resourceType"] == "PractitionerRole":
        listed = [resource.get("practitioner", {})]
    elif resource["resourceType"] == "CareTeam":
        listed = [one.get("member", {}) for one in resource.get("participant", ())]
    else:
        listed = [
            one.get("entity", {}) for one in resource.get("member", ()) if not one.get("inactive")
        ]
    return frozenset(local(one["reference"]) for one in listed if "reference" in one)
