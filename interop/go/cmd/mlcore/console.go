package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"syscall"

	mlcore "github.com/mlcore/mlcore/interop/go"
	"github.com/mlcore/mlcore/interop/go/internal/show"
	"github.com/mlcore/mlcore/interop/go/internal/tables"
)

// hinted is an error with a second line that says what may help.
type hinted struct {
	message string
	hint    string
}

func (h *hinted) Error() string { return h.message }

// report prints an error as one line, and its hint if it has one; it returns the exit code.
func report(std streams, err error) int {
	if errors.Is(err, syscall.EPIPE) {
		return 1 // whoever read our output has seen enough
	}
	std.say("error", err.Error())
	if hint := hintOf(err); hint != "" {
		std.say("hint", hint)
	}
	return 1
}

func hintOf(err error) string {
	var own *hinted
	var fault *tables.Error
	switch {
	case errors.As(err, &own):
		return own.hint
	case errors.As(err, &fault):
		return fault.Hint
	case mlcore.VerdictOf(err) == mlcore.VerdictVersion:
		return "the model was written by another version of mlcore"
	}
	return ""
}

// newFlags returns an empty set of flags that prints its own errors.
func newFlags(std streams, name, usage string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(std.err)
	flags.Usage = func() {
		fmt.Fprintf(flags.Output(), "usage: mlcore %s %s\n", name, usage)
		flags.PrintDefaults()
	}
	return flags
}

// parseFlags returns the exit code of a command whose arguments end it, or -1.
func parseFlags(std streams, flags *flag.FlagSet, args []string, positional int) int {
	if len(args) == 1 && (args[0] == "-h" || args[0] == "--help") {
		flags.SetOutput(std.out)
		flags.Usage()
		return 0
	}
	flags.SetOutput(io.Discard) // it would print arguments as they were given
	err := flags.Parse(args)
	flags.SetOutput(std.err)
	switch {
	case errors.Is(err, flag.ErrHelp):
		flags.Usage()
		return 0
	case err != nil:
		return usageError(flags, err.Error())
	}
	if flags.NArg() != positional {
		return usageError(flags, fmt.Sprintf("expected %d arguments besides flags, got %d", positional, flags.NArg()))
	}
	return -1
}

func usageError(flags *flag.FlagSet, message string) int {
	fmt.Fprintf(flags.Output(), "error: %s\n", show.Line(message))
	flags.Usage()
	return 2
}

// choice is a flag that takes one of some words.
type choice struct {
	value   *string
	choices []string
}

func (c choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

func (c choice) Set(text string) error {
	for _, known := range c.choices {
		if text == known {
			*c.value = text
			return nil
		}
	}
	return fmt.Errorf("expected one of %s", strings.Join(c.choices, ", "))
}

// checkTopN checks the length of lists as the Python commands do.
func checkTopN(topN int64) error {
	switch {
	case topN > math.MaxInt32:
		return fmt.Errorf("top_n: expected an integer below 2147483648, got %d", topN)
	case topN < 1:
		return fmt.Errorf("top_n: expected an integer >= 1, got %d", topN)
	}
	return nil
}

// writeAll writes to standard output, or says why it cannot.
func writeAll(out io.Writer, data []byte) error {
	if _, err := out.Write(data); err != nil {
		return writeError(err, "standard output")
	}
	return nil
}

// isTerminal reports whether people read what is written, as it is.
func isTerminal(out io.Writer) bool {
	file, isFile := out.(*os.File)
	if !isFile {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func writeError(err error, place string) error {
	if errors.Is(err, syscall.EPIPE) {
		return err
	}
	return tables.OSError(err, place, "room to write")
}

// isSet reports whether a flag was given.
func isSet(flags *flag.FlagSet, name string) bool {
	found := false
	flags.Visit(func(given *flag.Flag) { found = found || given.Name == name })
	return found
}
