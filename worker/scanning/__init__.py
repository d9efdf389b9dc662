"""Compare registries with the ledger: baselines and sweeps."""
