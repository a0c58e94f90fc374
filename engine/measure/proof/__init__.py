"""`./start.sh prove`: nano on the engine, device and environment that the plan chose for a large model."""
