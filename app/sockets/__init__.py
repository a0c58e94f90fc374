"""The browsers' sockets, with limits for one socket, one user, and those not signed in."""
