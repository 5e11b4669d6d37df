"""Provenance: pure folds over what is stored of a job."""
