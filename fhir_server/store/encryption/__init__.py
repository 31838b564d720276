"""Encryption at rest: MongoDB's explicit client-side field level encryption. Decision 0009."""

from fhir_server.store.encryption.cipher import Cipher, Placed
from fhir_server.store.encryption.database import EncryptedDatabase, cipher_of, open_database
from fhir_server.store.encryption.documents import opened, sealed

__all__ = [
    "Cipher",
    "EncryptedDatabase",
    "Placed",
    "cipher_of",
    "open_database",
    "opened",
    "sealed",
]
