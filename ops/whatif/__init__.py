"""Policy replay from outside: on the command line, and as a process of its own beside the gateway."""
