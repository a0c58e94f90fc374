"""The settings panel, the presets as chat profiles, and what a person has set before."""
