"""FHIR interactions (R4 3.1.0), one file each: `async (request, context) -> response`, no HTTP.

A transaction re-enters them with its unit of work in the context.
"""
