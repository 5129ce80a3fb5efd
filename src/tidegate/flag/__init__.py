"""Someone's report of content, its receipt and its outcome."""
