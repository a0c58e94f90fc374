"""`./start.sh bench`: the engines' own serving benchmarks against the engine that runs, kept, drawn and compared."""
