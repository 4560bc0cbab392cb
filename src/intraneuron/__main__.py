"""``python -m intraneuron``: the command line."""

import sys

from intraneuron.commands import main

if __name__ == "__main__":
    sys.exit(main())
