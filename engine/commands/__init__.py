"""The commands of `./start.sh`."""
