from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from terminology.ucum import canonical, valid
from terminology.value_sets import builtin_value_set

VALUES = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-1e9, max_value=1e9)


def common_units() -> list[str]:
    value_set = builtin_value_set("http://hl7.org/fhir/ValueSet/ucum-common")
    assert value_set is not None
    return [concept["code"] for concept in value_set["compose"]["include"][0]["concept"]]


@pytest.mark.parametrize(
    ("value", "code", "expected"),
    [
        ("5.4", "mg", ("0.0054", "g")),
        ("120", "mm[Hg]", ("15998640", "g.m-1.s-2")),
        ("5", "mmol/L", ("3.01107038e24", "m-3")),
        ("60", "/min", ("1", "s-1")),
        ("10", "10*3/uL", ("1e13", "m-3")),
        ("3", "10^-3", ("0.003", "1")),
        ("5", "%", ("0.05", "1")),
        ("100", "{beats}/min", ("1.666666666666666666666666666666667", "s-1")),
        ("1", "/100{WBC}", ("0.01", "1")),
        ("1", "mg/(kg.h)", ("2.777777777777777777777777777777778e-10", "s-1")),
        ("1", "mg/kg.h", ("0.0036", "s")),
        ("1", "cd", ("1", "cd")),
        ("1", "dar", ("10", "m2")),
        ("1", "KiBy", ("8192", "1")),
        ("2", "m[H2O]", ("19613300", "g.m-1.s-2")),
        ("1", "[in_i]", ("0.0254", "m")),
        ("1", "wk", ("604800", "s")),
        ("1", "N.m", ("1000", "g.m2.s-2")),
        ("1", "V", ("1000", "g.m2.s-2.C-1")),
    ],
)
def test_canonical_units(value: str, code: str, expected: tuple[str, str]) -> None:
    assert canonical(Decimal(value), code) == (Decimal(expected[0]), expected[1])


@pytest.mark.parametrize(
    ("value", "code", "kelvin"),
    [
        ("37", "Cel", "310.15"),
        ("98.6", "[degF]", "310.15"),
        ("310.15", "K", "310.15"),
        ("-40", "Cel", "233.15"),
        ("-40", "[degF]", "233.15"),
        ("80", "[degRe]", "373.15"),
        ("671.67", "[degR]", "373.15"),
        ("37000", "mCel{oral}", "310.15"),
    ],
)
def test_temperatures_have_a_zero_point(value: str, code: str, kelvin: str) -> None:
    assert canonical(Decimal(value), code) == (Decimal(kelvin), "K")


@pytest.mark.parametrize(
    "code", ["[pH]", "dB", "B[SPL]", "Np", "[p'diop]", "Cel/h", "/Cel", "Cel2"]
)
def test_scales_without_a_factor_are_valid_and_have_no_canonical_form(code: str) -> None:
    assert valid(code)
    assert canonical(Decimal(1), code) is None


@pytest.mark.parametrize(
    "code",
    ["", " ", "MG/DL", "mcg", "()", "(m", "m)", "m(s)", "//m", "m/", "m.", "{}", "{a", "a}", "0",
     "2m", "m^2", "mm3x", "m 2", "m\n", "μg", "k[in_i]", "kmin", "{{a}}", "m--2", "1e3", "10*+",
     "(" * 40 + "m" + ")" * 40, "m." * 200 + "m", "m99999999", "Ym99.Ym99.Ym99"],
)  # fmt: skip
def test_what_is_no_unit(code: str) -> None:
    assert not valid(code)
    assert canonical(Decimal(1), code) is None


def test_every_unit_of_the_r4_list_of_common_units_is_valid() -> None:
    codes = common_units()
    assert len(codes) > 1300
    assert [code for code in codes if not valid(code)] == []


def test_a_canonical_unit_is_its_own_canonical_unit() -> None:
    for code in common_units():
        found = canonical(Decimal("7.25"), code)
        if found is not None:
            assert canonical(*found) == found, code


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "sNaN", "1e999999", "1e-999999"])
def test_values_without_a_size_have_no_canonical_form(value: str) -> None:
    assert canonical(Decimal(value), "m") is None


def test_arbitrary_units_convert_to_themselves_only() -> None:
    assert canonical(Decimal(1), "k[IU]/L") == canonical(Decimal(1), "[iU]/mL")
    units = {canonical(Decimal(1), code) for code in ("[iU]", "[arb'U]", "[CFU]", "{cells}")}
    assert len(units) == 4


@pytest.mark.parametrize(
    ("larger", "smaller", "factor"),
    [
        ("g", "mg", 1000),
        ("mol", "mmol", 1000),
        ("m[Hg]", "mm[Hg]", 1000),
        ("/s", "/min", 60),
        ("L", "dL", 10),
        ("mmol/L", "umol/L", 1000),
        ("h", "min", 60),
        ("[lb_av]", "[oz_av]", 16),
        ("mg/mL", "mg/dL", 100),
        ("k[iU]", "[iU]", 1000),
        ("kcal", "cal", 1000),
    ],
)
@given(value=VALUES)
def test_equal_quantities_have_equal_canonical_forms(
    larger: str, smaller: str, factor: int, value: Decimal
) -> None:
    assert canonical(value * factor, smaller) == canonical(value, larger)


@given(
    value=VALUES,
    codes=st.lists(st.sampled_from(["mg", "mol", "/min", "L", "[iU]", "deg"]), max_size=12),
)
def test_a_unit_times_its_inverse_is_a_number(value: Decimal, codes: list[str]) -> None:
    unit = ".".join(f"({code})" if code[0] == "/" else code for code in ["1", *codes])
    unit = unit.replace("(/min)", "min-1")
    assert canonical(value, f"({unit})/({unit})") == (value, "1")


@given(st.text())
@example("{" * 300)
@example("10*" * 80)
@example("/" * 300)
def test_arbitrary_text_is_answered(text: str) -> None:
    found = canonical(Decimal("1.5"), text)
    assert found is None or valid(text)


@given(st.text("mgKsLPai[]{}()./*^0123456789-+%'_", max_size=40), VALUES)
def test_arbitrary_unit_like_text_is_answered(text: str, value: Decimal) -> None:
    found = canonical(value, text)
    if found is not None:
        assert canonical(Decimal(0), text) is not None
        assert valid(found[1])
