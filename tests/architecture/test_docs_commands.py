"""Every `aimed` command in the README and the guides exists, with the options it is shown with."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from aimed.cli import make_cli

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted((DOCS / "guides").glob("*.md")))


def commands() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        text = page.read_text("utf-8")
        blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
        for part in re.split(r"\n|&&|&", blocks):
            if part.strip().startswith("aimed "):
                yield page.name, part.partition("#")[0].strip()
        yield from ((page.name, one) for one in re.findall(r"`(aimed [^`]+)`", text))


def test_there_are_some() -> None:
    assert {"aimed up", "aimed bench fhir"} <= {command for _, command in commands()}


@pytest.mark.parametrize(("page", "command"), sorted(set(commands())))
def test_it_exists(page: str, command: str) -> None:
    known: Any = typer.main.get_command(make_cli())
    for word in shlex.split(command)[1:]:
        options = {name for one in known.params for name in one.opts}
        if word.startswith("-"):
            assert word.partition("=")[0] in {*options, "--help"}, command
        elif hasattr(known, "commands"):
            assert word in known.commands, command
            known = known.commands[word]
