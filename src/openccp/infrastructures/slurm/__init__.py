"""The infrastructure `slurm`: steps as batch jobs of a cluster."""
