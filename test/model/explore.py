"""explore.py - walks through every state that a model can reach."""
from collections import deque


class Wrong(Exception):
    pass


def explore(model, start):
    """How many states there are from START by model.steps(); Wrong, with the way there, if
    model.check() or a step finds one that is."""
    came_from, todo = {start: None}, deque([start])
    while todo:
        state = todo.popleft()
        try:
            model.check(state)
            for following in model.steps(state):
                if following not in came_from:
                    came_from[following] = state
                    todo.append(following)
        except Wrong as wrong:
            way = []
            while state is not None:
                way.append(state)
                state = came_from[state]
            raise Wrong("\n".join([str(wrong), *map(str, reversed(way))])) from None
    return len(came_from)
