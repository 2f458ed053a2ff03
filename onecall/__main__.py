"""`python -m onecall`: the command line."""

import sys

from onecall.cli import main

sys.exit(main(sys.argv[1:]))
