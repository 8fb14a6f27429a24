"""What things cost, as ratios against a reference in the same run. Nothing else imports it.

No test asserts any of it, and no code that runs in production may be in it.
"""
