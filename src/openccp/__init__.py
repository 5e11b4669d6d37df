"""OpenCCP: an open, self-hostable Cloud Computing Platform for science."""
