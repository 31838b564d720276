"""Reads and writes HL7 v2 messages in their vertical-bar form (ER7). Pure: no input or output."""

from integrations.hl7v2.message.charsets import Charset
from integrations.hl7v2.message.delimiters import Delimiters, NotHl7
from integrations.hl7v2.message.elements import Component, Field, Repetition, Subcomponent
from integrations.hl7v2.message.header import HD, Header
from integrations.hl7v2.message.parser import Message, parse
from integrations.hl7v2.message.segment import Segment

__all__ = [
    "HD",
    "Charset",
    "Component",
    "Delimiters",
    "Field",
    "Header",
    "Message",
    "NotHl7",
    "Repetition",
    "Segment",
    "Subcomponent",
    "parse",
]
