"""A figure a file: tables in, Altair chart out. Nothing is computed here."""
