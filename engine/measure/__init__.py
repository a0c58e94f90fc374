"""How fast the engine that runs is, and how often it is right."""
