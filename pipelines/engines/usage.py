"""What an engine did for one consultation, how long it took and what that costs, estimated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from json import loads
from typing import Any

from pipelines.engines.settings import PriceSettings


class Work(StrEnum):
    """What engines are for."""

    TRANSCRIPTION = "transcription"
    NOTE = "note"


@dataclass(frozen=True)
class Cost:
    """An estimate in a currency (ISO 4217)."""

    amount: float
    currency: str


@dataclass(frozen=True)
class Usage:
    """One piece of work: seconds it took, seconds of audio, tokens read and written.

    `engine` is the engine's name and version, as its Device has it. `cost` is None where no price
    is known.
    """

    work: Work
    engine: str
    seconds: float = 0.0
    audio_seconds: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: Cost | None = None


class PriceTable:
    """Prices by a word of the engine's name, or its beginning up to a hyphen; the longest fits.

    The settings' own come before those that come along.
    """

    def __init__(self, own: Mapping[str, PriceSettings]) -> None:
        self._prices = {**_published(), **own}

    def cost(
        self, engine: str, *, audio_seconds: float = 0.0, tokens_in: int = 0, tokens_out: int = 0
    ) -> Cost | None:
        """What this much costs; None for an engine without a price."""
        words = engine.lower().replace("/", " ").split()
        known = [
            name
            for name in self._prices
            if any(word == name or word.startswith(f"{name}-") for word in words)
        ]
        if not known:
            return None
        price = self._prices[max(known, key=len)]
        amount = (
            price.per_minute * audio_seconds / 60
            + price.per_million_tokens_in * tokens_in / 1_000_000
            + price.per_million_tokens_out * tokens_out / 1_000_000
        )
        return Cost(amount, price.currency)


@cache
def _published() -> dict[str, PriceSettings]:
    table: dict[str, Any] = loads(
        files("pipelines.engines").joinpath("data/prices.json").read_text("utf-8")
    )
    return {
        name: PriceSettings(currency=table["currency"], **price)
        for entry in table["prices"]
        for name, price in entry["engines"].items()
    }
