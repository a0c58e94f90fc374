"""Downloads a model's weights to this machine."""
