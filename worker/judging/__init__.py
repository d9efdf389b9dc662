"""From the log to the ledger: each event is judged, and the effects of its decision are applied."""
