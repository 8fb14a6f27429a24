"""The application's menus: YAML only. The one room of `ussd_app` that may speak of electricity."""
