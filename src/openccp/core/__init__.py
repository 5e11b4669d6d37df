"""The domain: values, rules and ports; no clock, no I/O, no framework."""
