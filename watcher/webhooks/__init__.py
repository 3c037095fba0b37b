"""Events pushed to those who asked for it, signed as Standard Webhooks has it: in order, at least once.

Begin with `delivery`.

    delivery    all deliveries of one term: a courier for each target, started and stopped
    courier     deliveries to one target, in order, each until it was accepted or given up
    replays     dead letters that an operator wants to be sent once more
    dispatch    one try of one delivery, and what all of a term share
    targets     which targets there are: those of the settings and those of locks
    chosen      the targets of the settings, judged at the start
    backoff     pure: when a delivery that failed is tried again, and when no more
    bodies      pure: what is sent, in each form
    signing     pure: what it is signed with
    trial       one delivery that tells of nothing, to see whether it arrives
    egress      the way out, and to which addresses
"""
