"""Fetches addresses that somebody named, guarded."""
