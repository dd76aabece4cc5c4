"""The drift report: what a run saw, beside what the document says and what the emulator does."""
