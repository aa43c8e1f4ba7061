"""The log: written through the ledger, sealed by the vault."""
