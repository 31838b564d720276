"""`aimed migrate`: prepares a database for this version."""

from __future__ import annotations

import asyncio

import typer

from aimed.settings import Settings


def migrate() -> None:
    """Create missing collections and indexes. Safe to repeat, and to run beside older processes."""
    from aimed import migration

    asyncio.run(migration.migrate(Settings()))
    typer.echo("The database is ready.")
