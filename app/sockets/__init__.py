"""The browsers' sockets, and what one of them, one person or a stranger may use of the page through them."""
