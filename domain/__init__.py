"""What is true: events, aggregates, rules and the event store. Imports nothing of ours."""
