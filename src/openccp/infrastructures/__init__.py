"""Where jobs run: adapters that report and never decide."""
