"""The catalogue of parameters: values, requests, the command line and the dialog."""
