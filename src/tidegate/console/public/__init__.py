"""What anyone reads: the first page, the report, the ledger, and a notice for whoever has its link."""
