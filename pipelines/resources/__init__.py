"""Builds the FHIR R4 resources of a consultation. Only `models` knows the library's release."""
