"""OpenCCP beside its peers and beside the machine's own limits, in one run."""
