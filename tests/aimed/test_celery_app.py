"""Jobs: what fails is tried again, and its text stays out of the logs."""

from __future__ import annotations

import pytest
import structlog
from celery.exceptions import MaxRetriesExceededError

from aimed.celery_app import CLOSE_CONSULTATION, make_celery
from aimed.settings import MongoSettings, RedisSettings, Settings
from fhir_server.auth.identity.notices import NOTICE
from integrations.notify import MailSettings
from tests.reserved_port import reserved_port


@pytest.fixture
def settings(mongo_uri: str, redis_uri: str) -> Settings:
    return Settings(
        mongo=MongoSettings(uri=mongo_uri, database="test_jobs"),
        redis=RedisSettings(uri=redis_uri),
    )


def test_a_job_that_fails_tells_its_type_only(settings: Settings) -> None:
    task = make_celery(settings).tasks[CLOSE_CONSULTATION]
    with structlog.testing.capture_logs() as logs:
        result = task.apply(kwargs={"encounter": "nowhere"}, retries=task.max_retries)
    assert isinstance(result.result, RuntimeError | MaxRetriesExceededError)
    assert str(result.result) == "ResourceNotFound"
    assert logs == [
        {
            "event": "closing failed",
            "encounter": "nowhere",
            "fault": "ResourceNotFound",
            "log_level": "error",
        }
    ]


def test_jobs_are_json_and_acknowledged_when_done(settings: Settings) -> None:
    conf = make_celery(settings).conf
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.accept_content == ["json"]
    assert conf.task_serializer == "json"


def test_mail_that_waits_tells_nobody_whose_it_is(settings: Settings) -> None:
    letter = {"name": "password_changed", "to": "adams@clinic.example", "username": "adams"}
    with reserved_port() as port, structlog.testing.capture_logs() as logs:
        mail = MailSettings(host="127.0.0.1", port=port, tls="none")
        task = make_celery(settings.model_copy(update={"mail": mail})).tasks[NOTICE]
        result = task.apply(kwargs={**letter, "moment": "now"}, retries=task.max_retries)
    assert str(result.result) == "Unavailable"
    assert [one["event"] for one in logs] == ["mail waits"]
    assert "adams" not in str(logs)
    assert task.max_retries * 30 >= 7 * 24 * 3600
