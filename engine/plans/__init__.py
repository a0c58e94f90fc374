"""How a launch is put together, whatever the engine; the engines' own plans are in `engine.engines`."""
