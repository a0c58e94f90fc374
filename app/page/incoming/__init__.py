"""Events from a browser's socket, handled before Chainlit's own handlers."""
