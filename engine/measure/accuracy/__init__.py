"""`./start.sh eval`: how often the running engine is right, compared with its model card."""
