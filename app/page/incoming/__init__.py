"""What comes in by a browser's socket, taken before Chainlit's own handlers."""
