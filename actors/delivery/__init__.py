"""Updates on their way from the inbox to their tenants: pushed to a callback URL, or pulled."""
