"""The command `ccp`."""
