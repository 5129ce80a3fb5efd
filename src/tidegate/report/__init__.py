"""To the public: what was counted, as tables, series and rates with their uncertainty, from the ledger alone."""
