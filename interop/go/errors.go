package mlcore

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// Verdict is the word of a closed list that says what is wrong (section 1 of SPEC.md).
type Verdict string

// The verdicts.
const (
	VerdictIO          Verdict = "io"           // a directory or file is missing, unreadable, or of another kind
	VerdictVersion     Verdict = "version"      // a format version or required feature not known here
	VerdictManifest    Verdict = "manifest"     // manifest.json is malformed or contradicts itself
	VerdictSize        Verdict = "size"         // a file has another size than the manifest says
	VerdictContainer   Verdict = "container"    // an .npz file is not of the one possible form
	VerdictHeader      Verdict = "header"       // an .npy header is not of the one possible form
	VerdictCSR         Verdict = "csr"          // the values of arrays contradict each other
	VerdictIDMap       Verdict = "idmap"        // items.csv or users.csv is malformed
	VerdictChecksum    Verdict = "checksum"     // SHA-256 or CRC-32 differs
	VerdictUnknownUser Verdict = "unknown_user" // a request names a user the model does not have
	VerdictUnknownItem Verdict = "unknown_item" // a request names an item the model does not have
	VerdictRequest     Verdict = "request"      // a request is malformed
)

// Stage says when a fault was found.
type Stage string

// The stages.
const (
	StageOpen    Stage = "open"
	StageVerify  Stage = "verify"
	StagePredict Stage = "predict"
)

// Error is every refusal of this package, except [ErrClosed].
// Its text is "<place>: <name>: expected <rule>, got <value>".
type Error struct {
	Verdict  Verdict
	Stage    Stage
	Place    string // a file, perhaps with line or member; empty for a request
	Name     string // what of it, or empty
	Expected string
	Got      string
	Err      error // of the operating system, or nil
}

// Error returns the text.
func (e *Error) Error() string {
	var text strings.Builder
	for _, part := range []string{e.Place, e.Name} {
		if part != "" {
			text.WriteString(part)
			text.WriteString(": ")
		}
	}
	fmt.Fprintf(&text, "expected %s, got %s", e.Expected, e.Got)
	return text.String()
}

// Unwrap returns the error of the operating system, or nil.
func (e *Error) Unwrap() error { return e.Err }

// ErrClosed is what every use of a model after [Model.Close] gives.
var ErrClosed = errors.New("model: expected an open model, got a closed one")

// VerdictOf returns the verdict of an error of this package, or "" for any other error.
func VerdictOf(err error) Verdict {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal.Verdict
	}
	return ""
}

// refuse makes an error of which the stage is not known yet; see atStage.
func refuse(verdict Verdict, place, name, expected, got string) error {
	return &Error{Verdict: verdict, Place: place, Name: name, Expected: expected, Got: got}
}

func refuseIO(place, expected string, err error) error {
	return &Error{
		Verdict: VerdictIO, Place: place, Expected: expected, Got: osReason(err), Err: err,
	}
}

// atStage returns the error with its stage. It copies, since the fault of an id map is kept and
// given to every later request.
func atStage(err error, stage Stage) error {
	refusal, isRefusal := err.(*Error)
	if !isRefusal {
		return err
	}
	staged := *refusal
	staged.Stage = stage
	return &staged
}

// osReason returns the words of the operating system without the path and the call.
func osReason(err error) string {
	var number syscall.Errno
	if errors.As(err, &number) {
		text := number.Error()
		return "'" + strings.ToUpper(text[:1]) + text[1:] + "'"
	}
	var pathError *os.PathError
	if errors.As(err, &pathError) {
		err = pathError.Err
	}
	return "'" + err.Error() + "'"
}
