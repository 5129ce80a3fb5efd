"""Staff, roles, sign-in, API keys, and who saw what."""
