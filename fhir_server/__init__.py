"""FHIR R4: REST, search, validation, store, authorization, audit. Knows nothing of scribing."""
