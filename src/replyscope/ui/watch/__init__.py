"""The live screen of watched calls."""
