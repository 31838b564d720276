"""The tables themselves: complete, reproducible, and told of in the reference."""

from __future__ import annotations

from pathlib import Path

from fhir_server.definitions.elements import resource_types
from integrations.hl7v2.mapping import build_tables
from integrations.hl7v2.mapping.reference import counts, page
from integrations.hl7v2.mapping.tables import data, default_tables
from tests.shared_data import shared

_ROOT = Path(__file__).resolve().parents[4]
_DATA = _ROOT / "integrations" / "hl7v2" / "mapping" / "data"


def test_the_reference_is_that_of_the_tables() -> None:
    assert (_ROOT / "docs/reference/hl7v2-mapping.md").read_text(encoding="utf-8") == page()


def test_every_row_is_followed_or_has_a_reason() -> None:
    for one in counts():
        assert one.rows == one.as_told + one.own + one.elsewhere + one.left
        assert not one.left or one.reasons, one.name
        assert all(reason for _, reason in one.reasons)


def test_no_row_of_ours_is_wrong() -> None:
    guide = data("segments")
    complements = data("complements")["segments"]
    for name, row, reason in default_tables().faults:
        change = complements.get(name, {})
        own = [
            *change.get("add", ()),
            *(r for held in change.get("replace", {}).values() for r in held),
        ]
        assert row not in own, (name, row.get("field"), reason)
        assert name in guide


def test_every_map_is_of_a_resource_and_used_or_said_to_be_unused() -> None:
    tables, unused = default_tables(), data("complements")["unused"]
    used = {rule.map.name for held in tables.rules.values() for rule in held if rule.map}
    for name, map in tables.maps.items():
        assert map.resource in resource_types()
        assert (name in used) != (name in unused), name


def test_the_tables_can_be_made_again(tmp_path: Path) -> None:
    build_tables.main(shared("hl7v2/v2-to-fhir/mappings"), tmp_path)
    for name in ("segments.json", "codes.json", "catalogue.json"):
        assert (tmp_path / name).read_bytes() == (_DATA / name).read_bytes()
