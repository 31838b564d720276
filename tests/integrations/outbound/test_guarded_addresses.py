"""Where the guarded client does not go, whatever the resolver says."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address

import httpx2
import pytest
from pydantic import ValidationError

from fhir_server.errors import NotPermitted, Unavailable
from integrations.outbound import GuardedClient
from integrations.outbound.settings import OutboundSettings

INNER = [
    str(IPv4Address(0)), "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.8.8.8",
    "168.63.129.16", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255",
    "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "100::1", "2001::1", "2001:db8::1",
    "2002:7f00:1::1", "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%1", "fec0::1",
    "ff02::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "64:ff9b::808:808"]
FORMS = [
    "http://a.example/", "ftp://a.example/", "file:///etc/passwd", "gopher://a.example/",
    "//a.example/", "a.example", "", "https://", "https:///x", "https://a.example:22/",
    "https://a.example:80/", "https://a.example:0/", "https://a.example:99999/",
    "https://user:word@a.example/", "https://a.example@b.example/",
    "https://a.example\\@b.example/", "https://2130706433/", "https://0x7f000001/",
    "https://0x7f.1/", "https://0177.0.0.1/", "https://127.1/", "https://127.0.0.01/",
    "https://a.example.1/", "https://%31.example/", "https://a b.example/", "https://a_b!/",
    "https://[::1%25eth0]/", "https://[fe80::1%251]/", "https://" + "a" * 64 + ".example/",
    "https://a.example\r\nHost: b/", "https://a.example/\x00", "https://[v1.a]/",
]  # fmt: skip


class Network:
    """A resolver that gives what it is told to, and a transport that answers and counts."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.looked_up: list[str] = []
        self.called: list[httpx2.Request] = []

    async def resolve(self, host: str) -> Sequence[str]:
        self.looked_up.append(host)
        return self.answers.pop(0)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.called.append(request)
        return httpx2.Response(200, stream=httpx2.ByteStream(b"{}"))

    def client(self, **settings: object) -> GuardedClient:
        transport = httpx2.MockTransport(self.answer)
        return GuardedClient(transport, OutboundSettings.model_validate(settings), self.resolve)


@pytest.mark.parametrize("address", INNER)
async def test_no_name_and_no_literal_leads_inside(address: str) -> None:
    network = Network([address], ["8.8.8.8", address])
    client = network.client()
    literal = f"[{address}]" if ":" in address else address
    for url in ("https://a.example/", "https://b.example/", f"https://{literal}/"):
        with pytest.raises(NotPermitted):
            await client.send("GET", url, headers={})
    assert not network.called
    assert network.looked_up == ["a.example", "b.example"]


@pytest.mark.parametrize("address", PUBLIC)
async def test_public_hosts_are_called_at_the_address_looked_up(address: str) -> None:
    network = Network([address])
    client = network.client()
    answer = await client.send("GET", "https://A.example.:8443/k?x=1#part", headers={})
    assert (answer.status, answer.body) == (200, b"{}")
    (request,) = network.called
    assert request.url.host == address
    assert request.url.raw_path == b"/k?x=1"
    assert request.headers["host"] == "a.example.:8443"
    assert request.extensions["sni_hostname"] == "a.example"


@pytest.mark.parametrize("url", FORMS)
async def test_odd_addresses_are_not_even_looked_up(url: str) -> None:
    network = Network(["8.8.8.8"])
    client = network.client()
    with pytest.raises(NotPermitted) as refused:
        await client.send("GET", url, headers={})
    assert not network.looked_up
    assert "example" not in str(refused.value)


async def test_a_name_that_changes_its_address_is_resolved_once_a_call() -> None:
    network = Network(["8.8.8.8"], ["127.0.0.1"])
    client = network.client()
    await client.send("GET", "https://rebinding.example/", headers={})
    assert [request.url.host for request in network.called] == ["8.8.8.8"]
    assert network.looked_up == ["rebinding.example"]
    with pytest.raises(NotPermitted):
        await client.send("GET", "https://rebinding.example/", headers={})
    assert len(network.called) == 1


async def test_nothing_goes_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    network = Network(["8.8.8.8"], ["8.8.8.8"])
    client = network.client()
    for _ in range(2):
        await client.send("GET", "https://a.example/", headers={})
    for request in network.called:
        assert {"authorization", "cookie", "proxy-authorization"}.isdisjoint(request.headers)


@pytest.mark.parametrize(
    ("listed", "host", "address", "open"),
    [
        (("ehr.hospital.example",), "EHR.hospital.example", "10.1.2.3", True),
        (("ehr.hospital.example",), "ehr.hospital.example", "fd12::1", True),
        (("ehr.hospital.example",), "evil.ehr.hospital.example", "10.1.2.3", False),
        (("ehr.hospital.example",), "ehr.hospital.example", "127.0.0.1", False),
        (("ehr.hospital.example",), "ehr.hospital.example", "169.254.169.254", False),
        (("ehr.hospital.example",), "ehr.hospital.example", "fd00:ec2::254", False),
        (("10.1.0.0/16",), "any.example", "10.1.2.3", True),
        (("10.1.0.0/16",), "any.example", "10.2.2.3", False),
        (("10.1.0.0/16",), "10.1.2.3", "10.1.2.3", True),
        (("fd12::/16",), "any.example", "fd12::1", True),
        (("127.0.0.0/8",), "any.example", "127.0.0.1", True),
    ],
)
async def test_listed_hosts(listed: tuple[str, ...], host: str, address: str, open: bool) -> None:
    network = Network([address])
    client = network.client(internal_hosts=listed)
    if not open:
        with pytest.raises(NotPermitted):
            await client.send("GET", f"https://{host}/", headers={})
        return
    await client.send("GET", f"https://{host}/", headers={})
    assert [request.url.host for request in network.called] == [address]


@pytest.mark.parametrize("entry", ["10.1.2.3/16", "*.example", "127.1", "a b", ""])
def test_an_unreadable_entry_is_refused_at_the_start(entry: str) -> None:
    with pytest.raises(ValidationError):
        OutboundSettings(internal_hosts=(entry,))


async def test_no_address_is_an_outage() -> None:
    class Gone(Network):
        async def resolve(self, host: str) -> Sequence[str]:
            raise OSError("Name or service not known: a.example")

    with pytest.raises(Unavailable) as gone:
        await Gone().client().send("GET", "https://a.example/", headers={})
    assert "example" not in str(gone.value)
