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
    """A request failed.

    Args:
        message: The text that goes over the wire.
    """

    code = StatusCode.UNKNOWN
    http = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidArgument(ServingError):
    """The request itself is wrong, whatever state the server is in."""

    code, http = StatusCode.INVALID_ARGUMENT, 400


class FailedPrecondition(ServingError):
    """The server is not in a state in which this request can be answered."""

    code, http = StatusCode.FAILED_PRECONDITION, 400


class OutOfRange(ServingError):
    """The request exceeds a valid range."""

    code, http = StatusCode.OUT_OF_RANGE, 400


class Unauthenticated(ServingError):
    """The caller is not known."""

    code, http = StatusCode.UNAUTHENTICATED, 401


class PermissionDenied(ServingError):
    """The caller may not do this."""

    code, http = StatusCode.PERMISSION_DENIED, 403


class NotFound(ServingError):
    """No such model or version."""

    code, http = StatusCode.NOT_FOUND, 404


class AlreadyExists(ServingError):
    """What the request would create exists already."""

    code, http = StatusCode.ALREADY_EXISTS, 409


class Aborted(ServingError):
    """The operation was aborted."""

    code, http = StatusCode.ABORTED, 409


class ResourceExhausted(ServingError):
    """A limit of the server is reached."""

    code, http = StatusCode.RESOURCE_EXHAUSTED, 429


class Cancelled(ServingError):
    """The caller cancelled the request."""

    code, http = StatusCode.CANCELLED, 499


class Unknown(ServingError):
    """The server failed for an unknown reason."""

    code, http = StatusCode.UNKNOWN, 500


class Internal(ServingError):
    """The server has an internal error."""

    code, http = StatusCode.INTERNAL, 500


class DataLoss(ServingError):
    """Data is damaged beyond recovery."""

    code, http = StatusCode.DATA_LOSS, 500


class Unimplemented(ServingError):
    """The server does not offer this."""

    code, http = StatusCode.UNIMPLEMENTED, 501


class Unavailable(ServingError):
    """The server cannot answer now; the same request may succeed later."""

    code, http = StatusCode.UNAVAILABLE, 503


class DeadlineExceeded(ServingError):
    """No answer within the time allowed."""

    code, http = StatusCode.DEADLINE_EXCEEDED, 504


_BY_CODE = {cls.code: cls for cls in ServingError.__subclasses__()}
# The first class of a status wins: 400 reads as InvalidArgument, 409 as AlreadyExists, 500 as
# Unknown.
_BY_HTTP = {cls.http: cls for cls in reversed(ServingError.__subclasses__())}
_BY_NUMBER = {cls.code.value[0]: cls for cls in ServingError.__subclasses__()}


def from_code(code: StatusCode, message: str) -> ServingError:
    """The typed error of a gRPC status."""
    return _BY_CODE.get(code, Unknown)(message)


def from_number(number: int, message: str) -> ServingError:
    """The typed error of a canonical status number (3 is INVALID_ARGUMENT)."""
    return _BY_NUMBER.get(number, Unknown)(message)


def from_http(status: int, message: str) -> ServingError:
    """The typed error of an HTTP status; several codes share one, so this keeps the family only."""
    fallback = InvalidArgument if 400 <= status < 500 else Unknown
    return _BY_HTTP.get(status, fallback)(message)
