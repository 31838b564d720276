"""Holds a message to the structure of its version: on request, in processes of its own.

The definitions are hl7apy's. Nothing outside this package imports hl7apy, and nothing in a process
that receives does: `pool` starts `worker`, which reads a message and writes its findings.
"""
