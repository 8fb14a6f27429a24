"""Profiles of gateways for `ussd_app.gateways.generic`: YAML only."""
