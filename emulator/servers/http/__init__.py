"""The HTTP door: the providers' Flask apps, the contract check, and the control API."""
