"""The command line: one module a command."""

from __future__ import annotations

import typer


def make_cli() -> typer.Typer:
    """The `aimed` command with all its parts."""
    from aimed.cli import audit, bench, client, demo, migrate, relay, serve, token, up, user, worker

    cli = typer.Typer(
        name="aimed",
        help="A FHIR-native server that listens to a consultation and drafts the note.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    cli.command("up")(up.up)
    cli.command("demo")(demo.demo)
    cli.command("serve")(serve.serve)
    cli.command("worker")(worker.worker)
    cli.command("relay")(relay.relay)
    cli.command("migrate")(migrate.migrate)
    cli.command("token")(token.token)
    cli.add_typer(user.make_user(), name="user")
    cli.add_typer(client.make_client(), name="client")
    cli.add_typer(audit.make_audit(), name="audit")
    cli.add_typer(bench.make_bench(), name="bench")
    return cli
