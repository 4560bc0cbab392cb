"""``python -m intraneuron``: the command line."""

from intraneuron.commands import main

if __name__ == "__main__":
    main()
