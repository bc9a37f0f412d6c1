"""What can go wrong when people deal with jobs."""

from kontor.core.errors import Kind, KontorError


class JobNotFound(KontorError):
    kind, code = Kind.NOT_FOUND, "jobs.not_found"

    def __init__(self) -> None:
        super().__init__("There is no such job.")


class JobFinished(KontorError):
    kind, code = Kind.CONFLICT, "jobs.already_finished"

    def __init__(self, state: str) -> None:
        super().__init__("The job is over; there is nothing left to cancel.", details={"state": state})


class JobNotRepeatable(KontorError):
    kind, code = Kind.CONFLICT, "jobs.not_repeatable"

    def __init__(self, state: str) -> None:
        super().__init__("Only jobs that failed or were cancelled can run again.", details={"state": state})


class JobAlreadyOpen(KontorError):
    kind, code = Kind.CONFLICT, "jobs.already_open"

    def __init__(self) -> None:
        super().__init__("The same job has been started again meanwhile and is not over yet.")
