"""Use cases: one function a verb; transactions start here."""
