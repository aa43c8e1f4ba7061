"""A local server that speaks the Bot API, with faults on request."""
