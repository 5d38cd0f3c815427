package events

import (
	"errors"
	"fmt"
)

// Code names why something was refused. The list is closed: adapters translate
// foreign errors into it once, at their edge, and http turns it into statuses
// in one table.
type Code string

// The closed list of codes.
const (
	// CodeInvalid: the input is wrong; the message says what and where.
	CodeInvalid Code = "invalid"
	// CodeUnauthenticated: nobody is signed in, or the credentials are wrong.
	CodeUnauthenticated Code = "unauthenticated"
	// CodeForbidden: signed in, but the role does not reach this.
	CodeForbidden Code = "forbidden"
	// CodeNotFound: there is no such thing for this caller.
	CodeNotFound Code = "not_found"
	// CodeConflict: another decision came first, or the id is taken.
	CodeConflict Code = "conflict"
	// CodeEnded: the session has ended and takes no more calls.
	CodeEnded Code = "ended"
	// CodeErased: the thing was deleted; nothing brings it back.
	CodeErased Code = "erased"
	// CodeUnknownCall: the call's number was never given a token.
	CodeUnknownCall Code = "unknown_call"
	// CodeTooLarge: a documented limit of size or count was passed.
	CodeTooLarge Code = "too_large"
	// CodeTooSmall: fewer bytes came than were announced, or none at all.
	CodeTooSmall Code = "too_small"
	// CodeUnsupportedType: a content type that Parley does not keep.
	CodeUnsupportedType Code = "unsupported_type"
	// CodeChecksum: the bytes are not those that were announced.
	CodeChecksum Code = "checksum_mismatch"
	// CodeAlreadyStored: an object of that key is there already.
	CodeAlreadyStored Code = "already_stored"
	// CodeLimited: too often; try again later.
	CodeLimited Code = "rate_limited"
	// CodeTooManyCalls: as many calls as an account may have are open.
	CodeTooManyCalls Code = "too_many_calls"
	// CodeUsedUp: what an account may use in a day is used.
	CodeUsedUp Code = "used_up"
	// CodeProvider: the speech provider refused for a reason that nobody knows.
	CodeProvider Code = "provider_unavailable"
	// CodeProviderQuota: its credit is used up; only the operator can help.
	CodeProviderQuota Code = "provider_quota"
	// CodeProviderKey: it does not accept our key; only the operator can help.
	CodeProviderKey Code = "provider_key"
	// CodeProviderModel: it does not have the model; only the operator can help.
	CodeProviderModel Code = "provider_model_gone"
	// CodeProviderRate: it is asked too often; try again later.
	CodeProviderRate Code = "provider_rate"
	// CodeProviderNetwork: it did not answer; try again later.
	CodeProviderNetwork Code = "provider_network"
	// CodeUnavailable: a server that Parley needs cannot be reached.
	CodeUnavailable Code = "unavailable"
	// CodeUnknown: the log took the events but its answer is not known yet.
	CodeUnknown Code = "outcome_unknown"
	// CodeInternal: a fault of ours.
	CodeInternal Code = "internal"
)

// Error is the only error type that crosses rooms. Message is for the person
// who asked and holds no secret and no word of anyone; Err is for the log.
type Error struct {
	Code    Code
	Message string
	Err     error
}

// Error joins code, message and cause, for logs.
func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: %s", e.Code, e.Message)
	}
	return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error without a cause.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap gives a foreign error a code and a message.
func Wrap(err error, code Code, message string) *Error {
	return &Error{Code: code, Message: message, Err: err}
}

// CodeOf finds the code of an error; a foreign one is CodeInternal, nil is "".
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}
