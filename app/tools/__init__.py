"""Tools that a chat offers to its model: those of the tool servers, and our own for its pictures."""
