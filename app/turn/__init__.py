"""One turn: the request to the engine, its answer, and what can go wrong."""
