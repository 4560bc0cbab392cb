"""Paired runs: our code against the plain way, in one process."""
