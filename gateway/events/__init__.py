"""The log as analysts read it: selections, the form on the wire, live streams."""
