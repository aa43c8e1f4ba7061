"""The numbers of docs/benchmarks.md."""
