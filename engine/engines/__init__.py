"""The engines, a folder each, and the choice of the one that runs here."""
