"""The command line: one module a command."""

from __future__ import annotations

import typer


def make_cli() -> typer.Typer:
    """The `aimed` command with all its parts."""
    from aimed.cli import (
        audit,
        bench,
        check,
        client,
        consultation,
        demo,
        duties,
        hl7v2,
        keys,
        migrate,
        mllp,
        relay,
        serve,
        token,
        up,
        user,
        worker,
    )

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
    cli.command("mllp")(mllp.mllp)
    cli.command("duties")(duties.duties)
    cli.command("migrate")(migrate.migrate)
    cli.command("token")(token.token)
    cli.add_typer(user.make_user(), name="user")
    cli.add_typer(client.make_client(), name="client")
    cli.add_typer(audit.make_audit(), name="audit")
    cli.add_typer(check.make_check(), name="check")
    cli.add_typer(consultation.make_consultation(), name="consultation")
    cli.add_typer(keys.make_keys(), name="keys")
    cli.add_typer(bench.make_bench(), name="bench")
    cli.add_typer(hl7v2.make_hl7v2(), name="hl7v2")
    return cli
