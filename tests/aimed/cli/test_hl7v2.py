"""`aimed mllp` and `aimed hl7v2 ingest` as processes, and the listeners of a stack."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from aimed.embedded.errors import StackError
from aimed.embedded.mllp_ports import as_json, with_ports
from fhir_server.store.connection import Database
from integrations.hl7v2.settings import Hl7v2Settings, ListenerSettings
from integrations.hl7v2.store import MessageQuery, search
from tests.integrations.hl7v2.running import message

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def environment(mongo_uri: str, redis_uri: str, database: Database) -> dict[str, str]:
    return {
        **os.environ,
        "AIMED_MONGO__URI": mongo_uri,
        "AIMED_MONGO__DATABASE": database.name,
        "AIMED_REDIS__URI": redis_uri,
    }


def _send(port: int, raw: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"\x0b" + raw + b"\x1c\r")
        return connection.recv(4096)


def test_mllp_listens_answers_and_ends(environment: dict[str, str]) -> None:
    listeners = [{"name": "adt", "strict": True}, {"name": "lab", "mode": "enhanced"}]
    process = subprocess.Popen(
        [sys.executable, "-m", "aimed", "mllp"],
        env={**environment, "AIMED_HL7V2__LISTENERS": json.dumps(listeners)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline().split() for _ in listeners]
        assert [(one[0], one[2]) for one in lines] == [("mllp", "adt"), ("mllp", "lab")]
        adt, lab = (int(one[1].rpartition(":")[2]) for one in lines)
        answer = _send(adt, message("C1"))
        assert b"MSA|AE|C1" in answer
        assert b"ERR||EVN^1|100^" in answer
        (checking,) = _children(process.pid)
        assert b"MSA|CA|C1" in _send(lab, message("C1"))
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert not Path(f"/proc/{checking}").exists()
    finally:
        process.kill()
        process.communicate()


def _children(parent: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == parent:
            found.append(int(status.parent.name))
    return found


def test_mllp_says_which_listener_cannot_be_opened(environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listeners = json.dumps([{"port": taken.getsockname()[1]}])
        done = subprocess.run(
            [sys.executable, "-m", "aimed", "mllp"],
            env={**environment, "AIMED_HL7V2__LISTENERS": listeners},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    assert "AIMED_HL7V2__LISTENERS" in done.stderr
    assert "Traceback" not in done.stderr


async def test_ingest(environment: dict[str, str], database: Database, tmp_path: Path) -> None:
    batch, single = tmp_path / "batch.hl7", tmp_path / "single.hl7"
    batch.write_bytes(b"FHS|^~\\&\rBHS|^~\\&\r" + message("C1") + message("C2") + b"BTS|3\rFTS|1\r")
    single.write_bytes(message("C2").replace(b"\r", b"\r\n"))

    def ingest(*files: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "aimed", "hl7v2", "ingest", *map(str, files)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    first = ingest(batch, single)
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines() == [
        "batch.hl7: 2 stored, 0 known already, 0 refused",
        "single.hl7: 1 stored, 0 known already, 0 refused",
    ]
    assert "says 3 messages (BTS-1) and has 2" in first.stderr
    assert "batch.hl7: 0 stored, 2 known already, 0 refused" in ingest(batch).stdout
    empty = tmp_path / "empty.hl7"
    empty.write_bytes(b"")
    assert ingest(empty).returncode == 1
    found = (await search(database, MessageQuery(listener="file"))).messages
    assert sorted(one.control for one in found) == ["C1", "C2", "C2"]


def test_validate_needs_no_server(tmp_path: Path) -> None:
    right = message("C1").replace(b"PID|1", b"EVN||20240102\rPID|1") + b"PV1|1|I\r"
    good, bad = tmp_path / "good.hl7", tmp_path / "bad.hl7"
    good.write_bytes(right + right)
    bad.write_bytes(right + right.replace(b"|1|I", b"|1|"))
    nothing = tmp_path / "nothing.hl7"
    nothing.write_bytes(b"Dear Sir")

    def validate(*given: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "aimed", "hl7v2", "validate", *map(str, given)],
            capture_output=True,
            text=True,
            timeout=60,
        )

    fine = validate(good)
    assert fine.returncode == 0, fine.stderr
    assert fine.stdout.count("structure: no findings by version 2.5.1") == 2
    wrong = validate(good, bad)
    assert wrong.returncode == 1
    assert "101 PV1-2" in wrong.stdout
    assert "Doe" not in wrong.stdout
    told = json.loads(validate("--json", bad, nothing).stdout)
    places = [[(one["code"], one["place"]) for one in message["findings"]] for message in told]
    assert places == [[], [("101", "PV1-2")], [("100", "MSH")]]
    assert (told[1]["message"], told[1]["structure"]) == (2, "ADT_A01")
    odd = validate("--charset", "klingon", good)
    assert (odd.returncode, "Traceback" in odd.stderr) == (1, False)


def test_listeners_get_ports_and_keep_their_secrets() -> None:
    tls = {"certificate": "a.pem", "key": "b.pem", "key_password": "s3cret"}
    one = ListenerSettings.model_validate({"name": "one", "tls": tls})
    (made,) = with_ports([one])
    assert made.port > 0
    again = Hl7v2Settings.model_validate({"listeners": json.loads(as_json([made]))})
    assert again.listeners == (made,)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StackError, match=str(port)):
            with_ports([ListenerSettings(port=port)])


@pytest.mark.parametrize(
    "listener",
    [
        {"peers": ["nowhere"]},
        {"charset": "klingon"},
        {"tls": {"certificate": "a.pem"}},
        {"tls": {"client_ca": "a.pem"}},
        {"name": "two words"},
        {"mode": "loud"},
    ],
)
def test_wrong_listeners_are_refused(listener: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Hl7v2Settings.model_validate({"listeners": [listener]})
    with pytest.raises(ValueError, match="name of its own"):
        Hl7v2Settings.model_validate({"listeners": [{}, {}]})
