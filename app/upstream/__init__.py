"""The engine from the web process's side: its state, the connection to it, and the stream of an answer."""
