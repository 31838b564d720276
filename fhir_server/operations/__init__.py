"""FHIR operations (R4 3.2.0), one file each: `async (request, context) -> response`, no HTTP.

`registry` is the one table of them; `invocation` runs one by its name, for the REST edge as for the
entries of a batch.
"""
