"""Inkbox as it is today: a contract, routes and rules of its own over the records of `resources`."""
