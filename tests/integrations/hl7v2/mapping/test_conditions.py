"""The condition language, in its own words and in those of the guide."""

from __future__ import annotations

import pytest

from integrations.hl7v2.mapping.conditions import ConditionError, FieldPath, compile_condition
from integrations.hl7v2.mapping.tables import data

_FIELDS = {"PID-1": "a", "PID-3.1": "", "PID-5": "HAL", "OBX-2": "NM"}


class _Fields:
    def text(self, path: FieldPath) -> str:
        parts = [str(n) for n in (path.component, path.subcomponent) if n]
        return _FIELDS.get(".".join([f"{path.segment}-{path.field}", *parts]), "")

    def count(self, path: FieldPath) -> int:
        return 2 if path.field == 5 else 0

    def word(self, name: str) -> str:
        return {"trigger": "A03", "family": "ADT"}.get(name, "")


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("PID-1 valued", True),
        ("PID-2 valued", False),
        ("IF PID-2 NOT VALUED", True),
        ("IF PID-2 IS NOT VALUED", True),
        ("PID-1 = \"a\" and not PID-5 = 'x'", True),
        ('PID-1 != "a"', False),
        ('IF PID-1 NOT EQUALS "a"', False),
        ('OBX-2 in ("NM", "SN")', True),
        ('OBX-2 not in ("NM")', False),
        ("IF PID-5 LST.COUNT GREATER THAN 1", True),
        ("count(PID-5) <= 1", False),
        ("IF PID-5 LENGTH GREATER THAN 2", True),
        ("IF PID-1 AND PID-5 VALUED", True),
        ("IF PID-1 AND PID-2 VALUED", False),
        ("IF PID-2 AND PID-3 NOT VALUED", True),
        ('(PID-2 valued or PID-1 valued) and trigger in ("A03")', True),
        ("PID-1 = PID-5", False),
    ],
)
def test_conditions(text: str, holds: bool) -> None:
    assert compile_condition(text)(_Fields()) is holds


@pytest.mark.parametrize(
    "text",
    ["", "PID-1", "PID-1 valued or", "(PID-1 valued", "PID-x = \"1\"", "count(PID-1) ! 2",
     "PID-1 in (a)", "PID-1 valued valued"],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConditionError):
        compile_condition(text)


def test_every_computable_condition_of_the_guide_is_understood() -> None:
    mended = data("complements")["conditions"]
    for rows in data("segments").values():
        for row in rows:
            if "when" in row:
                compile_condition(mended.get(row["when"], row["when"]))
