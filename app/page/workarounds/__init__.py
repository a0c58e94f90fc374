"""Changes to Chainlit itself, and stubs for what it imports."""
