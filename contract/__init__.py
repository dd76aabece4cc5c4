"""The contract suites: they hold a provider, or its emulator, against the contract document over HTTP."""
