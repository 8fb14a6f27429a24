"""What designers see of a flow: maps, sheets, differences, translations, versions. No engine rule.

Nothing here decides how a dialog goes; it only shows and stores what `flow` and `engine` say.
"""
