"""All that is kept in Redis."""
