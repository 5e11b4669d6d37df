"""`python -m openccp.cli`: the same as `ccp`."""

from openccp.cli.main import main

main(prog_name="ccp")
