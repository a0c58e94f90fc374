"""What all engines' launch plans share; each engine's own plan is in `engine.engines`."""
