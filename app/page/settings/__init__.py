"""The settings panel, the presets as chat profiles, and the settings a user has chosen before."""
