"""Checks of resources against the R4 definitions."""
