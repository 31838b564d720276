"""Fields and what they are made of. Nothing is split or decoded before it is asked for.

Everything counts from 1, as the standard does, and what is not there is an empty element.
`text` is the whole element with its escapes decoded; inner separators that stand unescaped
stay, and the text of the null value (`""`) is empty.

Source: HL7 v2.8.2 chapter 2, 2.5.3 (fields) and 2.5.3.6 (null).
"""

from __future__ import annotations

from typing import Protocol

from integrations.hl7v2.message.delimiters import Delimiters

NULL = b'""'


class Reading(Protocol):
    """How the bytes of a message are read."""

    @property
    def delimiters(self) -> Delimiters:
        """The separators."""
        ...

    def decode(self, raw: bytes) -> str:
        """The text of an element, escapes decoded."""
        ...


class Element:
    """Some bytes of a message and how to read them."""

    __slots__ = ("raw", "reading")

    def __init__(self, raw: bytes, reading: Reading) -> None:
        self.raw = raw
        self.reading = reading

    @property
    def empty(self) -> bool:
        """Nothing was sent: no change is asked for."""
        return not self.raw

    @property
    def null(self) -> bool:
        """`""` was sent: the receiver is asked to delete the value."""
        return self.raw == NULL

    @property
    def text(self) -> str:
        """The text, empty for null."""
        return "" if self.raw == NULL or not self.raw else self.reading.decode(self.raw)

    def __bool__(self) -> bool:
        return bool(self.raw)

    def __repr__(self) -> str:
        # Content is patient data and would reach a log by an accident.
        return f"<{type(self).__name__} of {len(self.raw)} bytes>"


class Subcomponent(Element):
    """The smallest part."""

    __slots__ = ()


class Component(Element):
    """`component[1]` is its first subcomponent."""

    __slots__ = ()

    @property
    def subcomponents(self) -> tuple[Subcomponent, ...]:
        """All of them, as many as were sent."""
        parts = self.raw.split(self.reading.delimiters.subcomponent)
        return tuple(Subcomponent(one, self.reading) for one in parts)

    def __getitem__(self, number: int) -> Subcomponent:
        return Subcomponent(
            nth(self.raw, self.reading.delimiters.subcomponent, number), self.reading
        )


class Repetition(Element):
    """`repetition[1]` is its first component."""

    __slots__ = ()

    @property
    def components(self) -> tuple[Component, ...]:
        """All of them, as many as were sent."""
        parts = self.raw.split(self.reading.delimiters.component)
        return tuple(Component(one, self.reading) for one in parts)

    def __getitem__(self, number: int) -> Component:
        return Component(nth(self.raw, self.reading.delimiters.component, number), self.reading)


class Field(Element):
    """A field with its repetitions; `text` is that of the first one."""

    __slots__ = ()

    @property
    def repetitions(self) -> tuple[Repetition, ...]:
        """All of them; none when the field is empty."""
        if not self.raw:
            return ()
        parts = self.raw.split(self.reading.delimiters.repetition)
        return tuple(Repetition(one, self.reading) for one in parts)

    def __getitem__(self, number: int) -> Repetition:
        return Repetition(nth(self.raw, self.reading.delimiters.repetition, number), self.reading)

    @property
    def text(self) -> str:
        """The text of the first repetition."""
        return self[1].text


class SeparatorField(Field):
    """MSH-1 and MSH-2: separators are their content, so they are never split or decoded."""

    __slots__ = ()

    @property
    def repetitions(self) -> tuple[Repetition, ...]:
        """The field as its only repetition."""
        return (Repetition(self.raw, self.reading),) if self.raw else ()

    @property
    def text(self) -> str:
        """The separators."""
        return self.raw.decode("latin-1")


def nth(raw: bytes, separator: bytes, number: int) -> bytes:
    """The `number`-th part counted from 1, empty when there is none."""
    if number < 1:
        raise ValueError("HL7 v2 counts from 1")
    if number == 1:
        return raw.partition(separator)[0]
    parts = raw.split(separator, number)
    return parts[number - 1] if len(parts) >= number else b""
