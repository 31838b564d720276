"""Options that several commands take, each with one meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path | None,
    typer.Option("--data", help="Folder with everything of the stack. [default: ./var]"),
]
Host = Annotated[
    str | None, typer.Option("--host", help="Address to listen on. [default: 127.0.0.1]")
]
Port = Annotated[
    int | None,
    typer.Option(
        "--port", min=0, max=65535, help="Port to listen on; 0 takes a free one. [default: 8000]"
    ),
]
