"""The errors of serving.

`UsageError` is a command line or a file that cannot be used: one line, exit code 2. `ServingError`
is what a server answers and a client raises. It carries its gRPC status (`code`) and the HTTP
status that TensorFlow Serving's REST interface maps that to (`http`), so that one `raise` serves
both protocols.
"""

from __future__ import annotations

from grpc import StatusCode


class UsageError(ValueError):
    """A flag, a file or a directory cannot be used; the message says how to fix it."""


class ServingError(Exception):
    """A request failed."""

    code: StatusCode
    http: int

    def __init_subclass__(cls, code: StatusCode, http: int) -> None:
        cls.code, cls.http = code, http

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidArgument(ServingError, code=StatusCode.INVALID_ARGUMENT, http=400):
    """The request itself is wrong, whatever state the server is in."""


class FailedPrecondition(ServingError, code=StatusCode.FAILED_PRECONDITION, http=400):
    """The server is not in a state in which this request can be answered."""


class OutOfRange(ServingError, code=StatusCode.OUT_OF_RANGE, http=400):
    """The request exceeds a valid range."""


class Unauthenticated(ServingError, code=StatusCode.UNAUTHENTICATED, http=401):
    """The caller is not known."""


class PermissionDenied(ServingError, code=StatusCode.PERMISSION_DENIED, http=403):
    """The caller may not do this."""


class NotFound(ServingError, code=StatusCode.NOT_FOUND, http=404):
    """No such model or version."""


class AlreadyExists(ServingError, code=StatusCode.ALREADY_EXISTS, http=409):
    """The request would create something that exists already."""


class Aborted(ServingError, code=StatusCode.ABORTED, http=409):
    """The operation was aborted."""


class ResourceExhausted(ServingError, code=StatusCode.RESOURCE_EXHAUSTED, http=429):
    """A limit of the server is reached."""


class Cancelled(ServingError, code=StatusCode.CANCELLED, http=499):
    """The caller cancelled the request."""


class Unknown(ServingError, code=StatusCode.UNKNOWN, http=500):
    """The server failed for an unknown reason."""


class Internal(ServingError, code=StatusCode.INTERNAL, http=500):
    """The server has an internal error."""


class DataLoss(ServingError, code=StatusCode.DATA_LOSS, http=500):
    """Data is damaged beyond recovery."""


class Unimplemented(ServingError, code=StatusCode.UNIMPLEMENTED, http=501):
    """The server does not offer this."""


class Unavailable(ServingError, code=StatusCode.UNAVAILABLE, http=503):
    """The server cannot answer now; the same request may succeed later."""


class DeadlineExceeded(ServingError, code=StatusCode.DEADLINE_EXCEEDED, http=504):
    """No answer within the time allowed."""


# The first class of a status wins: 400 reads as InvalidArgument, 409 as AlreadyExists, 500 as
# Unknown.
_BY_HTTP = {cls.http: cls for cls in reversed(ServingError.__subclasses__())}
_BY_NUMBER = {cls.code.value[0]: cls for cls in ServingError.__subclasses__()}


def from_number(number: int, message: str) -> ServingError:
    """The typed error of a canonical status number (3 is INVALID_ARGUMENT)."""
    return _BY_NUMBER.get(number, Unknown)(message)


def from_http(status: int, message: str) -> ServingError:
    """The typed error of an HTTP status; several codes share one, so this keeps the family only."""
    fallback = InvalidArgument if 400 <= status < 500 else Unknown
    return _BY_HTTP.get(status, fallback)(message)
