"""The infrastructure `docker-swarm`."""
