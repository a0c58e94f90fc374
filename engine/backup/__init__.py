"""A workspace's backup, and how it is brought back."""
