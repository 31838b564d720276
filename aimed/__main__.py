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
