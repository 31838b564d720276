"""`aimed` and `python -m aimed`."""

from __future__ import annotations

import sys

from pydantic import ValidationError

from aimed.cli import make_cli
from aimed.embedded.errors import StackError
from aimed.settings import MissingSetting
from fhir_server.errors import FhirError


def main() -> None:
    """Run the command line. An expected failure is one sentence on standard error.

    Exit codes: 0 done, 1 it could not be done, 2 the command line or a setting is wrong.
    """
    try:
        make_cli()()
    except (StackError, FhirError) as error:
        _fail(1, str(error))
    except MissingSetting as error:
        _fail(2, str(error))
    except ValidationError as error:
        _fail(2, _wrong_settings(error))
    except Exception as error:
        if (server := _unreachable(error)) is None:
            raise
        _fail(1, f"{server} does not answer: see whether it runs and whether its address is right.")


def _unreachable(error: Exception) -> str | None:
    # By name, because pymongo is imported in the stores only; the text of the error is left out,
    # for it may hold an address with a password.
    family = type(error).__module__.partition(".")[0]
    names = {base.__name__ for base in type(error).__mro__}
    if not names & {"ConnectionFailure", "ConnectionError", "TimeoutError", "OperationalError"}:
        return None
    return {"pymongo": "MongoDB", "redis": "Redis", "kombu": "Redis"}.get(family)


def _wrong_settings(error: ValidationError) -> str:
    # The values are left out: a wrong address may hold a password.
    found = []
    for problem in error.errors(include_input=False, include_url=False):
        variable = "AIMED_" + "__".join(str(part) for part in problem["loc"]).upper()
        message = problem["msg"].removeprefix("Value error, ")
        found.append(f"{variable}: {message}" if problem["loc"] else message)
    return "The settings are wrong: " + "; ".join(found) + "."


def _fail(code: int, sentence: str) -> None:
    sys.stderr.write(f"aimed: {sentence}\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
