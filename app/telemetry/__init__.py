"""Traces, metrics and logs of the web process."""
