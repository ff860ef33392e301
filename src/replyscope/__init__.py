"""replyscope: a terminal chat that shows exactly what each reply is made of."""

__version__ = "0.1.0"
