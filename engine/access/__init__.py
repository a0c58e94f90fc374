"""Who may use the page and the API: passwords and keys, kept as hashes."""
