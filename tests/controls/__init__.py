"""Negative controls: our providers with one protection taken out each, to see the harm that it prevents.

They are classes that the plugin process imports like the stock ones; the product has no switch for any of this. A
campaign that a control passes proves nothing, so the tests demand that each of them fails, and in its own way.
"""
