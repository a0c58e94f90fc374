"""`./start.sh eval`: how often the engine that runs is right, beside what its model card publishes."""
