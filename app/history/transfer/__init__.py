"""Exports a chat to files, and imports it."""
