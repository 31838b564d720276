"""How an engine fails, in terms that say what follows: wait, try again, or change a setting.

Integrations translate their transport's faults into these, so that whoever decides about retries
and fail-over knows nothing of the transport. The texts are for operators and name the engine;
they never hold what was said or written.
"""

from __future__ import annotations


class EngineError(Exception):
    """An engine could not do its work. Raised as one of the four kinds below.

    `engine` is the name that settings use for it (`aws`, `openai`), `action` one sentence that
    says what an operator should do.
    """

    retryable = False
    """Whether the same request may succeed later without anybody changing anything."""

    def __init__(self, engine: str, problem: str, action: str) -> None:
        super().__init__(f"{engine}: {problem} {action}")
        self.engine = engine
        self.problem = problem
        self.action = action


class EngineUnavailable(EngineError):
    """The engine cannot be reached, broke off, answered too late or failed inside."""

    retryable = True


class EngineThrottled(EngineError):
    """The engine asks for fewer requests. `retry_after` is in seconds, None when not said."""

    retryable = True

    def __init__(
        self, engine: str, problem: str, action: str, retry_after: float | None = None
    ) -> None:
        super().__init__(engine, problem, action)
        self.retry_after = retry_after


class EngineRejected(EngineError):
    """The engine refuses: credentials, permission or a request that it does not take."""


class EngineLimit(EngineError):
    """What was asked for is beyond a limit: audio too long, budget spent, filtered, declined.

    It says something of this piece of work, and nothing of the next one.
    """
