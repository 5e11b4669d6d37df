"""The infrastructure `docker`: jobs as containers of a Docker daemon."""
