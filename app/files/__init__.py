"""Uploaded files: pictures and PDFs, checked, converted and stored."""
