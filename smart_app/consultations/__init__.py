"""The REST side of consultations."""
