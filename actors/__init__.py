"""Who does what, in which order. Owns the Telegram sessions."""
