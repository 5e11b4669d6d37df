"""Packages that are deployed (OGC application packages, CWL), as descriptors of methods."""
