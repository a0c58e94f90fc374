"""Answers a question with the lines of text that match it."""
