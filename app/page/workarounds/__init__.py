"""What is changed in Chainlit itself, or kept away from it."""
