"""The roof: command line, settings, assembly, embedded services. Only here parts meet."""
