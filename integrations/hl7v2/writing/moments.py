"""MSH-7 as a FHIR dateTime, for what has no moment of its own."""

from __future__ import annotations

import re

_DTM = re.compile(r"(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\.\d{1,4})?([+-]\d{4})?")


def sent_of(dtm: str) -> str | None:
    """`20260102030405+0100` as `2026-01-02T03:04:05+01:00`, None when it is no DTM.

    What is left out of the time counts as its beginning: this orders messages and is never stored.
    """
    match = _DTM.fullmatch(dtm.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    date = "-".join(one for one in (year, month, day) if one)
    if hour is None:
        return date
    time = f"{hour}:{minute or '00'}:{second or '00'}{fraction or ''}"
    return f"{date}T{time}{f'{zone[:3]}:{zone[3:]}' if zone else ''}"
