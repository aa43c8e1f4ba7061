"""Settings, wiring, command line, sandbox and benchmarks: everything around the gateway."""
