"""Live chats and the history: saving, opening again, and what browsers ask of it."""
