"""Parameters of type string. https://hl7.org/fhir/R4/search.html#string"""

from __future__ import annotations

import httpx2
import pytest
import pytest_asyncio

from tests.conformance.asking import address, found, keep, refused, resource

PEOPLE = [
    resource(
        "Patient",
        "eve",
        name=[
            {"use": "official", "family": "Everton", "given": ["Eve", "Ann Marie"]},
            {"use": "maiden", "family": "Severn"},
        ],
        address=[
            {
                "line": ["12 High Street", "Flat 3"],
                "city": "Sankt Pölten",
                "state": "NÖ",
                "postalCode": "3100",
                "country": "AT",
            }
        ],
    ),
    resource("Patient", "carreno", name=[{"family": "Carreño Quiñones", "given": ["José"]}]),
    resource("Patient", "muller", name=[{"family": "Müller", "prefix": ["Dr."]}]),
    # The same name with its accent as a character of its own.
    resource("Patient", "muller2", name=[{"family": "Mu\u0308ller"}]),
    resource("Patient", "strasse", name=[{"text": "Ann Straße", "suffix": ["MD, PhD"]}]),
    resource("Patient", "oneil", name=[{"family": "O'Neil-Smith", "given": ["Sinéad"]}]),
    resource("Patient", "comma", name=[{"family": "Acme, Inc", "given": ["a|b", "c$d", "e\\f"]}]),
    resource("Patient", "greek", name=[{"family": "ΠΑΠΑΔΌΠΟΥΛΟΣ"}]),
    resource("Patient", "han", name=[{"family": "王", "given": ["小明"]}]),
    resource("Patient", "percent", name=[{"family": "50%_done.*"}]),
    resource("Patient", "nameless", gender="female"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def people(fhir: httpx2.AsyncClient) -> None:
    await keep(fhir, PEOPLE)


# The start of the value, whatever the case or the accents (3.1.1.4.8).
STARTS = [
    ("family=eve", "eve"),
    ("family=EVE", "eve"),
    ("family=Everton", "eve"),
    ("family=evertonx", ""),
    ("family=verton", ""),
    ("family=sever", "eve"),
    ("given=eve", "eve"),
    ("given=ann", "eve"),
    ("given=Ann Marie", "eve"),
    ("family=carreno", "carreno"),
    ("family=Carreño", "carreno"),
    ("family=CARREÑO QUI", "carreno"),
    ("given=jose", "carreno"),
    ("given=JOSÉ", "carreno"),
    ("family=muller", "muller muller2"),
    ("family=Müller", "muller muller2"),
    ("family=Mu\u0308ller", "muller muller2"),
    ("family=MÜLLER", "muller muller2"),
    ("given=sinead", "oneil"),
    ("family=O'Neil", "oneil"),
    ("family=Παπαδόπουλος", "greek"),
    ("family=παπαδοπουλοσ", "greek"),
    ("family=王", "han"),
    ("given=小", "han"),
    ("family=50%", "percent"),
    ("family=50%25", ""),
    ("family=%", ""),
    ("family=.*", ""),
    ("family=^e", ""),
    ("family=acme\\, inc", "comma"),
    ("family=acme\\,", "comma"),
    ("given=a\\|b", "comma"),
    ("given=c\\$d", "comma"),
    ("given=e\\\\f", "comma"),
]
# name, address: any of the parts of the name or address (Patient-name, individual-address).
PARTS = [
    ("name=everton", "eve"),
    ("name=severn", "eve"),
    ("name=eve", "eve"),
    ("name=ann", "eve strasse"),
    ("name=dr.", "muller"),
    ("name=md", "strasse"),
    ("name=müll", "muller muller2"),
    ("address=12 high", "eve"),
    ("address=flat", "eve"),
    ("address=sankt", "eve"),
    ("address=Sankt Polten", "eve"),
    ("address=3100", "eve"),
    ("address=at", "eve"),
    ("address=no such", ""),
    ("address-city=sankt pö", "eve"),
    ("address-city=pölten", ""),
    ("address-state=no", "eve"),
    ("address-postalcode=310", "eve"),
    ("address-country=AT", "eve"),
]
EXACT = [
    ("family:exact=Everton", "eve"),
    ("family:exact=everton", ""),
    ("family:exact=Evert", ""),
    ("family:exact=Müller", "muller"),
    ("family:exact=Muller", ""),
    ("family:exact=Acme\\, Inc", "comma"),
    ("given:exact=Eve", "eve"),
    ("name:exact=Severn", "eve"),
    ("name:exact=Ann Straße", "strasse"),
    ("family:exact=50%_done.*", "percent"),
]
CONTAINS = [
    ("family:contains=eve", "eve"),
    ("family:contains=VERT", "eve"),
    ("family:contains=ton", "eve"),
    ("family:contains=neil-", "oneil"),
    ("family:contains=quinones", "carreno"),
    ("family:contains=ÜLL", "muller muller2"),
    ("given:contains=marie", "eve"),
    ("name:contains=ph", "strasse"),
    ("family:contains=_d", "percent"),
    ("family:contains=.*", "percent"),
    ("family:contains=zzz", ""),
    ("address:contains=street", "eve"),
    ("family:contains=\\,", "comma"),
]
COMBINED = [
    ("family=everton,carr", "carreno eve"),
    ("family=evert&family=sev", "eve"),
    ("family=evert&given=jose", ""),
    ("name=eve&address=at", "eve"),
    ("family:exact=Everton,Müller", "eve muller"),
    ("family:contains=eve,ull", "eve muller muller2"),
    ("family:missing=true", "nameless strasse"),
    ("name:missing=true", "nameless"),
    ("name:missing=true&gender=female", "nameless"),
    ("address:missing=false", "eve"),
    ("family=acme\\, inc,everton", "comma eve"),
    ("family=smith\\,everton", ""),
]


@pytest.mark.parametrize(("query", "wanted"), [*STARTS, *PARTS, *EXACT, *CONTAINS, *COMBINED])
async def test_finds(fhir: httpx2.AsyncClient, query: str, wanted: str) -> None:
    assert await found(fhir, f"Patient?{query}") == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [("jos%C3%A9", "carreno"), ("Ann+Marie", "eve"), ("Ann%20Marie", "eve"), ("%65ve", "eve")],
)
async def test_url_escapes(fhir: httpx2.AsyncClient, value: str, wanted: str) -> None:
    body = (await fhir.get(f"/fhir/Patient?given={value}")).json()
    assert [one["resource"]["id"] for one in body.get("entry", [])] == [wanted]


async def test_missing_false_is_the_rest(fhir: httpx2.AsyncClient) -> None:
    rest = await found(fhir, "Patient?name:missing=false")
    assert rest.split() == sorted(one["id"] for one in PEOPLE if one["id"] != "nameless")


@pytest.mark.parametrize("modifier", ["not", "in", "above", "identifier", "text", "nonsense"])
async def test_other_modifiers_are_refused(fhir: httpx2.AsyncClient, modifier: str) -> None:
    refused(await fhir.get(f"/fhir/Patient?family:{modifier}=a"), 400)


async def test_no_value_is_refused(fhir: httpx2.AsyncClient) -> None:
    refused(await fhir.get(address("Patient?family=")), 400)


async def test_no_prefixes(fhir: httpx2.AsyncClient) -> None:
    """A string that looks like a prefix and a value is a string."""
    await keep(fhir, [resource("Patient", "gt", name=[{"family": "gt2000 ltd"}])])
    assert await found(fhir, "Patient?family=gt2000") == "gt"
    assert await found(fhir, "Patient?family=eq") == ""


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("Organization?name=good", "org"),
        ("Organization?name=gute", "org"),
        ("Organization?name:contains=health", "org"),
        ("Questionnaire?title=pain", "form"),
        ("Questionnaire?title=PAIN SC", "form"),
        ("Questionnaire?description:contains=markdown", "form"),
        ("Questionnaire?publisher:exact=Acme", "form"),
        ("Location?address-city=wien", "place"),
        ("Location?name=haus", "place"),
    ],
)
async def test_other_types(fhir: httpx2.AsyncClient, query: str, wanted: str) -> None:
    form = {"title": "Pain score", "publisher": "Acme", "description": "*Some* Markdown"}
    await keep(
        fhir,
        [
            resource("Organization", "org", name="Good Health", alias=["Gute Besserung"]),
            resource("Questionnaire", "form", status="draft", **form),
            resource("Location", "place", name="Haus 1", address={"city": "Wien"}),
        ],
    )
    assert await found(fhir, query) == wanted
