"""The words of `./start.sh`."""
