"""The application's back-ends, its purchase saga and the workers that drive it. No screens.

Of `ussd_app` only effects, settings, sealing, rates and render.texts may be seen here.
"""
