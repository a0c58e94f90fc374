"""The engine as the page sees it: its state, the connection to it, and the stream of an answer."""
