"""A chat as files: taken away, and taken in again."""
