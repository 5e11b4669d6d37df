"""Which promises of an infrastructure hold: small tasks that try to break them."""
