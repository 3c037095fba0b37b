"""How fast it is, beside something that does the least that could do: `python -m tests.bench`.

Nothing here asserts a time. Figures of one run can be compared with each other, those of two runs cannot: what else
the machine does changes them by more than any change of the code. `cpu` is the server's own time on the processor for
each request, which suffers least from the neighbours.
"""
