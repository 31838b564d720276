"""Groups: what belongs to what, also out of order and without what the standard demands."""

from __future__ import annotations

from integrations.hl7v2.mapping.structures import grouped, read_structures
from integrations.hl7v2.mapping.tables import data
from integrations.hl7v2.message.parser import parse

_ALL = read_structures(data("structures"))


def _places(family: str, *ids: str, trigger: str = "") -> list[str]:
    raw = "\r".join(["MSH|^~\\&|", *(f"{one}|1" for one in ids)]).encode()
    placed = grouped(parse(raw).segments, _ALL.of(family, trigger))
    occurrences: dict[int, int] = {}
    told = []
    for one in placed[1:]:
        number = occurrences.setdefault(id(one.group), len(occurrences))
        told.append(f"{one.segment.id}:{one.group.name}{number if one.known else '?'}")
    return told


def test_each_obr_has_its_own_obx() -> None:
    assert _places("ORU", "PID", "OBR", "OBX", "NTE", "OBX", "OBR", "OBX") == [
        "PID:PATIENT0", "OBR:ORDER_OBSERVATION1", "OBX:OBSERVATION2", "NTE:OBSERVATION2",
        "OBX:OBSERVATION3", "OBR:ORDER_OBSERVATION4", "OBX:OBSERVATION5",
    ]  # fmt: skip


def test_orc_and_obr_are_one_order() -> None:
    places = _places("ORU", "PID", "ORC", "OBR", "OBX", "ORC", "OBR", "OBX")
    assert places[1].partition(":")[2] == places[2].partition(":")[2]
    assert places[4].partition(":")[2] == places[5].partition(":")[2] != places[1].partition(":")[2]


def test_z_segments_stay_where_they_stand() -> None:
    assert _places("ORU", "PID", "OBR", "OBX", "ZAA", "OBX")[3] == "ZAA:OBSERVATION?"


def test_a_second_patient_begins_a_group() -> None:
    places = _places("ADT", "EVN", "PID", "MRG", "PID", "MRG", trigger="A40")
    assert places[1].partition(":")[2] == places[2].partition(":")[2] != places[3].partition(":")[2]


def test_roles_after_the_visit_are_no_roles_of_a_procedure() -> None:
    assert _places("ADT", "PID", "PV1", "PV2", "ARV", "ROL")[-1] == "ROL:PATIENT0"


def test_results_after_procedures_are_results() -> None:
    assert _places("ADT", "PID", "PV1", "PR1", "OBX")[-1].startswith("OBX:OBSERVATION")
