"""`python -m mmsearch` is the command `mmsearch`."""

from mmsearch.cli.app import main

main()
