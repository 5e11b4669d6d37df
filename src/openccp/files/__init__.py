"""The record of a job on disk: collected, listed, streamed."""
