"""What the standard library lacks for files, locks, logs and requests on this machine."""
