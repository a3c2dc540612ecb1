package mlcore

import "github.com/mlcore/mlcore/interop/go/internal/jsontext"

// AppendNumber appends a number as predictions hold it: the shortest text that reads back as the same
// float64, as RFC 8785, section 3.2.2.3 lays it out (ECMAScript does the same): 1, 0.75, 1e-7, 1e+21,
// and 0 for -0. Only finite numbers are JSON; others become null.
func AppendNumber(dst []byte, value float64) []byte { return jsontext.AppendNumber(dst, value) }

// AppendString appends a JSON string as RFC 8785, section 3.2.2.2 writes it: with only the escapes that
// JSON demands.
func AppendString(dst []byte, text string) []byte { return jsontext.AppendString(dst, text) }
