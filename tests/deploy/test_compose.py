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
SECRETS = {
    "AUDIT_CHAIN_KEY",
    "MONGO_ROOT_PASSWORD",
    "MONGO_APP_PASSWORD",
    "MONGO_KEYFILE_SECRET",
    "REDIS_PASSWORD",
}
GIVEN = SECRETS | {"PUBLIC_URL"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(TEXT)["services"]
    return found


def test_the_parts_are_there(services: dict[str, Any]) -> None:
    lasting = {"mongo", "redis", "api", "mllp", "worker", "relay"}
    assert set(services) == lasting | {"mongo-initiate", "migrate"}
    for name in lasting:
        assert services[name]["healthcheck"]["test"], name
        assert services[name]["restart"] == "unless-stopped", name


def test_every_variable_must_be_given_and_secrets_are_variables(services: dict[str, Any]) -> None:
    ours = TEXT.replace("$$", "")  # a doubled one is for the container's shell
    names = re.findall(r"\$\{(\w+):\?\}", ours)
    assert set(names) == GIVEN
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


def test_the_databases_are_on_a_network_of_their_own(services: dict[str, Any]) -> None:
    assert yaml.safe_load(TEXT)["networks"]["inside"] == {"internal": True}
    for name, service in services.items():
        reached = name in ("api", "mllp")
        assert service["networks"] == (["inside", "outside"] if reached else ["inside"])
        assert "ports" not in service or reached


def test_the_database_account_may_use_its_own_database_alone() -> None:
    script = (ROOT / "deploy/mongo/initiate.js").read_text()
    assert re.findall(r"role: \"(\w+)\", db: \"(\w+)\"", script) == [("readWrite", "aimed")]


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
    assert re.search(r"^COPY aimed .+^RUN python -m compileall .+^USER", dockerfile, re.M | re.S)


def test_docker_reads_it() -> None:
    docker = shutil.which("docker")
    if (
        docker is None
        or subprocess.run(
            [docker, "compose", "version"], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("docker compose is not here")
    given = {**dict.fromkeys(GIVEN, "form-check-only"), "PATH": "/usr/local/bin:/usr/bin:/bin"}
    command = [docker, "compose", "config", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    missing = subprocess.run(
        command, cwd=ROOT, env={"PATH": given["PATH"]}, capture_output=True, text=True, check=False
    )
    assert missing.returncode != 0
