"""Faults that `replyscope watch` injects by rule, to test how a program handles them."""
