"""Measures how fast the running engine is, and how often it is right."""
