"""docker-compose.yml and the Dockerfile: their form, and that they hold no secret."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
SECRETS = {"MONGO_ROOT_PASSWORD", "MONGO_APP_PASSWORD", "MONGO_KEYFILE_SECRET", "REDIS_PASSWORD"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(TEXT)["services"]
    return found


def test_the_parts_are_there(services: dict[str, Any]) -> None:
    lasting = {"mongo", "redis", "api", "worker", "relay"}
    assert set(services) == lasting | {"mongo-initiate", "migrate"}
    for name in lasting:
        assert services[name]["healthcheck"]["test"], name
        assert services[name]["restart"] == "unless-stopped", name


def test_every_variable_is_a_secret_that_must_be_given(services: dict[str, Any]) -> None:
    ours = TEXT.replace("$$", "")  # a doubled one is for the container's shell
    names = re.findall(r"\$\{(\w+):\?\}", ours)
    assert set(names) == SECRETS
    assert ours.count("$") == len(names)
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name or "SECRET" in name:
                assert re.fullmatch(r"\$\{\w+:\?\}", value), name


def test_dependencies_exist_and_are_waited_for(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for wanted, how in service.get("depends_on", {}).items():
            healthy = how["condition"] == "service_healthy"
            assert healthy == ("healthcheck" in services[wanted]), (name, wanted)


def test_our_containers_have_no_rights_to_spare(services: dict[str, Any]) -> None:
    for name in ("api", "worker", "relay", "migrate"):
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["environment"]["AIMED_ENVIRONMENT"] == "production"
        assert "ports" not in service or service["ports"] == ["127.0.0.1:8000:8000"]


def test_mounted_and_copied_files_exist(services: dict[str, Any]) -> None:
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith(".") or (ROOT / source).is_file(), source
    dockerfile = (ROOT / "deploy/Dockerfile").read_text()
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.M):
        for source in sources.split():
            assert (ROOT / source).exists(), source
    assert "--require-hashes" in dockerfile
    assert re.search(r"^USER \d+", dockerfile, re.M)


def test_docker_reads_it() -> None:
    docker = shutil.which("docker")
    if (
        docker is None
        or subprocess.run(
            [docker, "compose", "version"], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("docker compose is not here")
    given = {**dict.fromkeys(SECRETS, "form-check-only"), "PATH": "/usr/local/bin:/usr/bin:/bin"}
    command = [docker, "compose", "config", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    missing = subprocess.run(
        command, cwd=ROOT, env={"PATH": given["PATH"]}, capture_output=True, text=True, check=False
    )
    assert missing.returncode != 0
