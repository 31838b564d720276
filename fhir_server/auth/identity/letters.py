"""The letters that we send: texts in data/letters, the subject in the first line."""

from __future__ import annotations

import asyncio
from functools import cache
from importlib import resources
from string import Template

from fhir_server.auth.identity.mail import Mail


async def letter(name: str, to: str, **fields: str) -> Mail:
    """The letter of that name with its `$fields` filled in. Raises `KeyError` for a missing one."""
    subject, text = await asyncio.to_thread(_template, name)
    return Mail(to, subject, text.substitute(fields))


@cache
def _template(name: str) -> tuple[str, Template]:
    folder = resources.files("fhir_server.auth.identity").joinpath("data", "letters")
    subject, _, text = folder.joinpath(f"{name}.txt").read_text("utf-8").partition("\n\n")
    return subject, Template(text)
