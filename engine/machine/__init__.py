"""What this machine has to run a model on, and how busy it is."""
