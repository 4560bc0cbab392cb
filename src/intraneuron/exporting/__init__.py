"""Exporting: a finished study as long tables, one row a neuron, token, category or segment, for other programs."""
