"""Formats of files and texts that both the page and the engines read or write."""
