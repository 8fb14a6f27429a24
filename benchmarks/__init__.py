"""What things cost, as ratios against a reference in the same run. No test asserts any of it."""
