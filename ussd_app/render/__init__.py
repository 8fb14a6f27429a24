"""Text to septets, pages and messages. Knows no flow, no session and no gateway's field names."""
