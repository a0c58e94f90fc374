"""Reads the lines of text in a picture (OCR)."""
