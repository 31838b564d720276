"""Consultations that the project wrote itself, for the demo and the tests."""
