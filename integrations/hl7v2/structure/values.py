"""Whether a text has the form of its primitive data type.

Source: HL7 v2.5.1 chapter 2A and v2.8.2 chapter 2A (DT, DTM, NM, SI, TM); times are read by hl7apy.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from hl7apy.utils import check_date, check_datetime, check_timestamp

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_COUNT = re.compile(r"[0-9]+")
_TIME_CHARACTERS = re.compile(r"[0-9]+(?:\.[0-9]{1,4})?(?:[+-][0-9]{4})?")
_FORMS: dict[str, Callable[[str], bool]] = {
    "DT": lambda text: text.isascii() and text.isdigit() and check_date(text),
    "DTM": lambda text: bool(_TIME_CHARACTERS.fullmatch(text)) and check_datetime(text),
    "TM": lambda text: bool(_TIME_CHARACTERS.fullmatch(text)) and check_timestamp(text),
    # A plus sign and leading zeros are allowed, an exponent is not, which hl7apy takes.
    "NM": lambda text: bool(_NUMBER.fullmatch(text)),
    "SI": lambda text: bool(_COUNT.fullmatch(text)),
}


def well_formed(text: str, datatype: str) -> bool:
    """Whether a value can be of this primitive type. Types without a form take any text."""
    form = _FORMS.get(datatype)
    return form is None or form(text)
