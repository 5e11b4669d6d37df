"""CWL v1.0 to 1.2: tools and workflows of tools, read once and compiled into a job's script."""
