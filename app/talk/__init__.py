"""A conversation as plain data: turns, settings, what fits into a model. No network, no framework."""
