"""Request signatures: what a client with a secret key signed, and when; no Flask, no Redis."""
