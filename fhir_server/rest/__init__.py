"""The HTTP edge of the FHIR server: routes, negotiation, rendering of errors."""
