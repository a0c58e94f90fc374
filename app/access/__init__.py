"""Who may use the page, and how much of it: sign-in, guards and limits."""
