"""Listeners, permissions, problem documents, CSRF, CSP, rate limits."""
