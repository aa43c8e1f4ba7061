"""HTTP in: routes, authentication, problems."""
