"""The status page: its routes and its data."""
