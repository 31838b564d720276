"""HL7 v2 out: FHIR events become messages in a durable queue per destination. Decision 0023."""
