"""Every route of the house: who gets what answer, that hostile words stay inert, that every page reads well."""
