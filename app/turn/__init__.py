"""One turn: what is asked of the engine, what comes of it, and what can go wrong."""
