"""Who may come in, and how much of what: sign-in, guards and limits."""
