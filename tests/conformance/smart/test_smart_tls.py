"""Exchanges are by TLS, where `aimed serve` ends it itself."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from aimed.tls import TlsSettings
from tests.tls import client, serving, speaks, write_pem


@pytest.mark.requirement(231)
async def test_versions_before_tls_1_2_are_refused(tmp_path: Path) -> None:
    files = write_pem(tmp_path)
    async with serving(TlsSettings(certificate=files["certificate"], key=files["key"])) as port:
        assert await speaks(port, client(ssl.TLSVersion.TLSv1_1)) is None
        assert await speaks(port, client(ssl.TLSVersion.TLSv1_2)) == "TLSv1.2"
        assert await speaks(port, client(ssl.TLSVersion.TLSv1_3)) == "TLSv1.3"
