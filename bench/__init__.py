"""How fast the emulator is, always against a named peer in the same run: `python -m bench`."""
