"""The machine's hardware for running models, and how busy it is."""
