"""Live chats and the history: saving, reopening, and the routes for browsers."""
