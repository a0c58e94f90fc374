"""The supervisor, the engines that it runs, and the commands of `./start.sh`."""
