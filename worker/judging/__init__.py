"""From the log to the ledger: each event is judged, and what follows is set in motion."""
