"""The numbers screen: figures and plots."""
