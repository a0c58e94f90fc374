"""The engines, one folder each, and the choice of the one that runs here."""
