"""Tests of the clients of operator, platform and head end system, over real sockets."""
