"""Files of leads, taken in row by row: history, not news. Reading and mapping know no table; taking knows no file."""
