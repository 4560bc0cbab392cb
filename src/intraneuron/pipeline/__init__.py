"""Verbs: nouns in, noun out. No disk, no plot."""
