package server

import (
	"net/http"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/show"
)

// code is the word of a closed list that a client can act on.
type code string

const (
	codeRequest          code = "request"
	codeUnauthorized     code = "unauthorized"
	codeUnknownUser      code = "unknown_user"
	codeUnknownItem      code = "unknown_item"
	codeNotFound         code = "not_found"
	codeMethodNotAllowed code = "method_not_allowed"
	codeTimeout          code = "timeout"
	codeBodyTooLarge     code = "body_too_large"
	codeMediaType        code = "media_type"
	codeInternal         code = "internal"
	codeUnavailable      code = "unavailable"
	codeBusy             code = "busy"
)

var statusOf = map[code]int{
	codeRequest:          http.StatusBadRequest,
	codeUnauthorized:     http.StatusUnauthorized,
	codeUnknownUser:      http.StatusNotFound,
	codeUnknownItem:      http.StatusNotFound,
	codeNotFound:         http.StatusNotFound,
	codeMethodNotAllowed: http.StatusMethodNotAllowed,
	codeTimeout:          http.StatusRequestTimeout,
	codeBodyTooLarge:     http.StatusRequestEntityTooLarge,
	codeMediaType:        http.StatusUnsupportedMediaType,
	codeInternal:         http.StatusInternalServerError,
	codeUnavailable:      http.StatusServiceUnavailable,
	codeBusy:             http.StatusTooManyRequests,
}

// fault is an answer other than 200. Its message is "<field>: expected <rule>, got <value>".
type fault struct {
	code    code
	field   string // of the request, or empty
	message string

	retryAfter int // seconds, or 0
}

func (f *fault) Error() string { return f.message }

func newFault(code code, field, expected, got string) *fault {
	message := "expected " + expected + ", got " + got
	if field != "" {
		message = field + ": " + message
	}
	// A field may be a key of the request.
	return &fault{code: code, field: show.Line(field), message: show.Line(message)}
}

func badRequest(field, expected, got string) *fault {
	return newFault(codeRequest, field, expected, got)
}

// appendFault appends the JSON form of a fault.
func appendFault(dst []byte, f *fault) []byte {
	dst = append(dst, `{"error": {"code": `...)
	dst = mlcore.AppendString(dst, string(f.code))
	if f.field != "" {
		dst = append(dst, `, "field": `...)
		dst = mlcore.AppendString(dst, f.field)
	}
	dst = append(dst, `, "message": `...)
	dst = mlcore.AppendString(dst, f.message)
	return append(dst, "}}\n"...)
}
