"""How a launch is put together, one engine a module; `engine.plan` is the door."""
