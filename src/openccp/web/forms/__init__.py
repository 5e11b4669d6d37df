"""The form of a process: made from its inputs, read back into an execute request."""
