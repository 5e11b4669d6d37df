"""The database: tables, and the stores that speak the core's words."""
