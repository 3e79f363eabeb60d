"""`python -m sandbox.cli` is `hocba`."""

from sandbox.cli import main

main()
