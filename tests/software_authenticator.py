"""An authenticator in software, which does what it is told, right or wrong. WebAuthn level 3, 6.

It signs with ES256, and its answers are the JSON that a browser's `toJSON()` makes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40
Options = dict[str, Any]
Answer = dict[str, Any]


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Authenticator:
    """One credential. Fields can be changed between uses to go wrong in one way."""

    origin: str
    rp_id: str = "localhost"
    id: bytes = b"credential-number-1"
    count: int = 1
    flags: int = PRESENT | VERIFIED
    handle: bytes = b""
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def create(self, options: Options, **changed: Any) -> Answer:
        """A RegistrationResponseJSON with attestation `none`. `changed` are client data."""
        self.handle = base64.urlsafe_b64decode(options["user"]["id"] + "==")
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + self._cose()
        data = self._data(self.flags | ATTESTED) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options["challenge"], changed)
        response = {
            "clientDataJSON": text(client),
            "attestationObject": text(attestation),
            "transports": ["internal", "made-up"],
        }
        return {**self._frame(), "response": response}

    def get(self, options: Options, **changed: Any) -> Answer:
        """An AuthenticationResponseJSON; the counter goes up with every use, unless it is 0."""
        self.count += 1 if self.count else 0
        data = self._data(self.flags)
        client = self._client("webauthn.get", options["challenge"], changed)
        signed = data + hashlib.sha256(client).digest()
        response = {
            "clientDataJSON": text(client),
            "authenticatorData": text(data),
            "signature": text(self.key.sign(signed, ec.ECDSA(hashes.SHA256()))),
            "userHandle": text(self.handle),
        }
        return {**self._frame(), "response": response}

    def _frame(self) -> Answer:
        return {
            "id": text(self.id),
            "rawId": text(self.id),
            "type": "public-key",
            "clientExtensionResults": {},
            "authenticatorAttachment": "platform",
        }

    def _client(self, type: str, challenge: str, changed: dict[str, Any]) -> bytes:
        told = {"type": type, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(told | changed).encode()

    def _data(self, flags: int) -> bytes:
        rp = hashlib.sha256(self.rp_id.encode()).digest()
        return rp + bytes([flags]) + struct.pack(">I", self.count)

    def _cose(self) -> bytes:
        point = self.key.public_key().public_numbers()
        x, y = point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
