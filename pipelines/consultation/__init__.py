"""The consultation, live and afterwards."""
