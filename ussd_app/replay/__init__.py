"""Dialogs as transcripts: parse them, play them against any phone. Knows no flow's content."""
