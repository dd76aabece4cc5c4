"""The IMAP server (RFC 3501): our own, because it shows the APIs' own messages. Imported with the first connection."""
