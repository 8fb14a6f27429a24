"""Example applications: menus, catalogues and dialogs to read, to play and to copy from."""
