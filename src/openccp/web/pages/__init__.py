"""HTML: every resource's second representation."""
