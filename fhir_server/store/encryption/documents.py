"""Which fields of which collections are encrypted, and where each value belongs.

What holds words of patients, what they said, or a secret is encrypted. Ids, references, times,
states and the search index are not; decision 0009 says what they tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from fhir_server.store.connection import Database
from fhir_server.store.encryption.cipher import Placed
from fhir_server.store.encryption.database import cipher_of

Document = dict[str, Any]

FIELDS: dict[str, tuple[str, ...]] = {
    "resources": ("raw",),
    "history": ("raw",),
    "content.chunks": ("data",),
    "outbox": ("data",),
    "consultations": (
        "patient_display",
        "practitioner_display",
        "note",
        "message",
        "alerts[].key",
        "alerts[].payload",
    ),
    "segments": ("text", "words"),
    "audio_chunks": ("pcm",),
    "hl7v2_outbound": ("payload", "answer"),
    "hl7v2_messages": ("raw", "report"),
    "second_factors": ("seed", "pending"),
    "signing_keys": ("private",),
    "secrets": ("value",),
}
"""By collection; `alerts[].key` is the `key` of every member of `alerts`, known by its `id`."""


async def sealed(
    database: Database, collection: str, documents: Sequence[Document]
) -> list[Document]:
    """The documents as they are to be stored. They may be parts, with `_id`, for an update."""
    return (await sealed_all(database, [(collection, documents)]))[0]


async def sealed_all(
    database: Database, groups: Sequence[tuple[str, Sequence[Document]]]
) -> list[list[Document]]:
    """The same of several collections at once; a version of a resource is encrypted once."""
    found = [
        place for name, documents in groups for one in documents for place in places(name, one)
    ]
    values = {place.place: place.value for place in found}
    stored = await cipher_of(database).seal([Placed(*one) for one in values.items()])
    made = dict(zip(values, stored, strict=True))
    return [
        [_replaced(name, one, lambda place: made[place.place]) for one in documents]
        for name, documents in groups
    ]


async def opened(
    database: Database,
    collection: str,
    documents: Sequence[Document],
    *,
    accept_clear: bool = False,
) -> list[Document]:
    """The documents as they were before `sealed`. Raises `EncryptionFault`.

    `accept_clear` takes what is not encrypted even if the settings refuse that.
    """
    found = [place for one in documents for place in places(collection, one)]
    values = iter(await cipher_of(database).open(found, accept_clear=accept_clear))
    return [_replaced(collection, one, lambda _: next(values)) for one in documents]


def places(collection: str, document: Document) -> Iterator[Placed]:
    """The values of a document that are encrypted, each with its place."""
    if _is_public(collection, document):
        return
    for path in FIELDS[collection]:
        for holder, field in _holders(document, path):
            if field in holder:
                yield Placed(_place(collection, document, holder, path), holder[field])


def _replaced(collection: str, document: Document, by: Callable[[Placed], Any]) -> Document:
    made = dict(document)
    if _is_public(collection, document):
        return made
    for path in FIELDS[collection]:
        name, several, _ = path.partition("[].")
        if several and made.get(name) is document.get(name):
            made[name] = [dict(one) for one in made.get(name, ())]
        for holder, field in _holders(made, path):
            if field in holder:
                value = Placed(_place(collection, document, holder, path), holder[field])
                holder[field] = by(value)
    return made


def _is_public(collection: str, document: Document) -> bool:
    # A row of that topic names a resource and its version, which are in clear anyway.
    return collection == "outbox" and document["topic"] == "fhir"


def _holders(document: Document, path: str) -> Iterator[tuple[Document, str]]:
    name, several, field = path.partition("[].")
    if several:
        yield from ((one, field) for one in document.get(name, ()))
    else:
        yield document, name


def _place(collection: str, document: Document, holder: Document, path: str) -> str:
    if collection in ("resources", "history"):
        return f"{document['type']}/{document['id']}/{document['v']}"
    if collection == "content.chunks":
        return f"content/{document['files_id']}/{document['n']}"
    id = holder["id"] if "[]" in path else document["_id"]
    return f"{collection}/{id}/{path}"
