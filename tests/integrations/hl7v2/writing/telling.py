"""Messages of a hospital by their segments, one an hour."""

from __future__ import annotations

from typing import Any

from integrations.hl7v2.mapping.conversion import Conversion
from tests.integrations.hl7v2.conversions import converted
from tests.integrations.hl7v2.writing.feed import Feed


def told(event: str, hour: int, *segments: str) -> Conversion:
    moment = f"20240101{hour:02}0000+0000"
    return converted(
        f"MSH|^~\\&|HIS|HOSP|EHR|HOSP|{moment}||{event}|{hour}|P|2.5", f"EVN||{moment}", *segments
    )


def pid(number: str, name: str = "DOE^JANE", account: str = "") -> str:
    held = f"{account}^^^HOSP" if account else ""
    return f"PID|1||{number}^^^HOSP^MR||{name}||19800101|F" + "|" * 10 + held


def pv1(number: str, ward: str = "W1") -> str:
    return f"PV1|1|I|{ward}" + "|" * 16 + f"{number}^^^HOSP"


def mrg(number: str, account: str = "", visit: str = "") -> str:
    held = [f"{one}^^^HOSP" if one else "" for one in (account, visit)]
    return f"MRG|{number}^^^HOSP^MR||{held[0]}||{held[1]}"


def value(resource: dict[str, Any]) -> str:
    """The first of its identifiers."""
    return str(resource["identifier"][0]["value"])


async def by_number(feed: Feed, type: str) -> dict[str, dict[str, Any]]:
    return {value(one): one for one in await feed.all(type)}
