"""Tests of the head end system: the STS rules, and the embedded service over real sockets."""
