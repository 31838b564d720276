"""Searching without a database: parameters, what they find in a resource, what they ask for."""
