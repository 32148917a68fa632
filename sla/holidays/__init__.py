"""Public holidays that come by themselves: which regions there are, what a calendar takes of them, and rolling on."""
