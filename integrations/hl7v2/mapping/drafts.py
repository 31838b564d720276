"""The drafts of one message while it is read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from integrations.hl7v2.mapping.context import Identity, Json
from integrations.hl7v2.mapping.draft import DRAFT_SCHEME, Policy
from integrations.hl7v2.mapping.placing import Slots


class Building:
    """A draft that is still being made.

    `roles` say what it is beside another draft (`of`: the key of the one that takes its place) or
    in the message (`control`: ORC-1). `lines` are those of a document's text. `untidy` when
    a value found no room and may have left an empty entry behind. `head` is the segment that began
    it and the rule by which it did, `joined` are the ids of the segments that it is of besides.
    `assumed` are the elements that R4 demands and nothing told, `status_told` as in `Draft`.
    `together` are the entries of lists that several segments fill, with what these are of.
    """

    __slots__ = (
        "assumed", "cleared", "head", "identities", "joined", "key", "lines", "moment", "origin",
        "policy", "resource", "roles", "status_told", "together", "untidy",
    )  # fmt: skip

    def __init__(self, key: str, resource: Json, policy: Policy) -> None:
        self.key = key
        self.resource = resource
        self.policy = policy
        self.identities: list[Identity] = []
        self.moment: str | None = None
        self.cleared: dict[str, None] = {}
        self.origin: dict[str, None] = {}
        self.roles: dict[str, str] = {}
        self.lines: list[str] = []
        self.untidy = False
        self.status_told = ""
        self.head: Any = None
        self.assumed: list[str] = []
        self.joined: set[str] = set()
        self.together: dict[str, tuple[Slots, set[str]]] = {}

    @property
    def reference(self) -> Json:
        """A Reference to it."""
        return {"reference": DRAFT_SCHEME + self.key}


_POLICIES = {
    "Patient": Policy.DEMOGRAPHICS,
    "Practitioner": Policy.REFERENCE_DATA,
    "Organization": Policy.REFERENCE_DATA,
    "Location": Policy.REFERENCE_DATA,
    "Device": Policy.REFERENCE_DATA,
}


class Drafts:
    """All drafts of a message, in the order in which they began."""

    def __init__(self) -> None:
        self.all: dict[str, Building] = {}
        self._counts: dict[str, int] = {}
        self._known: dict[tuple[str, Identity], Building] = {}
        self._loose: dict[str, list[Building]] = {}  # told without an identity
        self._repeated: dict[tuple[str, Identity], int] = {}
        self.place = ""

    def make(self, type: str, policy: Policy, resource: Json | None = None) -> Building:
        """A new draft."""
        count = self._counts.get(type, 0) + 1
        self._counts[type] = count
        key = type if count == 1 else f"{type}[{count}]"
        made = Building(key, {"resourceType": type} if resource is None else resource, policy)
        made.origin[self.place] = None
        self.all[key] = made
        return made

    def draft(self, resource: Json, identities: tuple[Identity, ...], policy: Policy) -> Json:
        """A Reference to the draft of `resource`, or to an earlier one of the same thing."""
        type = resource["resourceType"]
        found = self._same(type, resource, identities)
        if found is None:
            found = self.make(type, policy, resource)
            self.identify(found, identities)
            if not identities:
                self._loose.setdefault(type, []).append(found)
        else:
            found.origin[self.place] = None
            for name, value in resource.items():
                found.resource.setdefault(name, value)
        return found.reference

    def _same(self, type: str, resource: Json, identities: tuple[Identity, ...]) -> Building | None:
        for identity in identities:
            if (type, identity) in self._known:
                return self._known[type, identity]
        if identities:
            return None
        return next((one for one in self._loose.get(type, ()) if one.resource == resource), None)

    def identify(self, building: Building, identities: Iterable[Identity]) -> None:
        """Adds identities to a draft."""
        type = building.resource["resourceType"]
        for identity in identities:
            if identity not in building.identities:
                building.identities.append(identity)
                self._known.setdefault((type, identity), building)

    def again(self, type: str, identity: Identity) -> int:
        """How often an identity was met in the message, this time included."""
        count = self._repeated.get((type, identity), 1) + 1
        self._repeated[type, identity] = count
        return count

    def known(self, type: str, identity: Identity) -> Building | None:
        """The draft of `type` with `identity`."""
        return self._known.get((type, identity))

    def new(self, type: str) -> Json:
        """A Reference to a fresh draft."""
        return self.make(type, _POLICIES.get(type, Policy.MESSAGE)).reference

    def resource(self, reference: Json) -> Json | None:
        """The resource that a Reference made here leads to."""
        found = self.of(reference)
        return found.resource if found else None

    def of(self, reference: Json) -> Building | None:
        """The draft that a Reference leads to."""
        target = reference.get("reference", "")
        return self.all.get(target[len(DRAFT_SCHEME) :]) if target else None
