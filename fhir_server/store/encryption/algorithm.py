"""How data are sealed: with a nonce, so that equal ones do not look alike.

pymongo has the name too, in a module that brings boto3 with it: a quarter of the time that a
process takes to start. MongoDB client-side field level encryption, `algorithm`.
"""

RANDOM = "AEAD_AES_256_CBC_HMAC_SHA_512-Random"
