"""Benchmarks of the running product: real processes and sockets, figures with conditions."""
