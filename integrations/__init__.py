"""The world of machines: one package for each outside system."""
