"""Small faults that are put into a module one by one, to see whether its tests notice.

The known tools start an interpreter for every fault, or test a copy of the sources; here an interpreter that has
imported everything else is forked, so that a fault costs the time of its tests, and the installed package is tested.
"""
