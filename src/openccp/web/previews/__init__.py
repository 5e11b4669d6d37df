"""What a file that a job left looks like: bounded, and nothing in it ever runs.

A preview is a JSON document that only holds text and numbers; a page shows it escaped. Each kind
reads at most so many bytes and returns None for what it cannot read in one way.
"""
